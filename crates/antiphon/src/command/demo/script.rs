//! What the people of the demo do after the first sync, through the two servers' own APIs.

use anyhow::Context as _;
use api_client::{Client, Method, Payload, Request, Secret, Settings};
use model::{Entity, EntityId, Kind, Status, System};
use runner::World;
use serde_json::{Value, json};
use store::EntityFilter;

use super::Servers;

/// More characters than a Canvas entry may have (contract canvas §1).
const TOO_LONG: usize = 70_000;

/// Edits on both sides, one conflict, one post that Canvas refuses, one delete that waits for a person.
pub(super) async fn play(world: &World, servers: &Servers) -> anyhow::Result<()> {
    let canvas = client(
        &servers.canvas_url,
        "Authorization",
        &format!("Bearer {}", servers.canvas_token),
    )?;
    let discourse = client(&servers.discourse_url, "Api-Key", &servers.discourse_key)?;
    let [plain, deleting, manual] = courses(world).await?;
    let posts = posts(world, &plain).await?;
    let [first, second, ..] = posts.as_slice() else {
        anyhow::bail!("The built-in term has too few posts.")
    };
    edit_in_canvas(
        &canvas,
        first,
        "<p>Edited in Canvas: the answer is in chapter three.</p>",
    )
    .await?;
    edit_in_discourse(
        &discourse,
        second,
        "Edited in Discourse: I found a *better* source for this.",
    )
    .await?;
    let disputed = posts_of(world, &manual, "a disputed post").await?;
    edit_in_canvas(
        &canvas,
        &disputed,
        "<p>In Canvas the derivative is two x.</p>",
    )
    .await?;
    edit_in_discourse(
        &discourse,
        &disputed,
        "In Discourse the derivative is said to be x squared.",
    )
    .await?;
    let topic = world
        .store
        .entity(first.container.as_ref().context("A post without a topic")?)
        .await?;
    let topic = remote(&topic.context("A topic is gone")?, System::Discourse)?;
    let long =
        json!({ "topic_id": topic, "raw": "word ".repeat(TOO_LONG / 5), "skip_validations": true });
    call(&discourse, Method::POST, "/posts.json", long).await?;
    let doomed = posts_of(world, &deleting, "a post to delete").await?;
    let id = remote(&doomed, System::Discourse)?;
    call(
        &discourse,
        Method::DELETE,
        &format!("/posts/{id}.json"),
        Value::Null,
    )
    .await
}

fn client(url: &str, header: &str, secret: &str) -> anyhow::Result<Client> {
    let mut headers = vec![(header.to_owned(), Secret::new(secret))];
    if header == "Api-Key" {
        headers.push(("Api-Username".to_owned(), Secret::new("system")));
    }
    let settings = Settings {
        base_url: url.to_owned(),
        headers,
        user_agent: "antiphon-demo".to_owned(),
        timeout_ms: 10_000,
        max_body_bytes: 8 * 1024 * 1024,
        max_in_flight: 1,
        budget: None,
    };
    Ok(Client::new(settings)?)
}

async fn call(client: &Client, method: Method, path: &str, body: Value) -> anyhow::Result<()> {
    let is_read = method == Method::GET;
    let response = client
        .send(Request {
            name: "demo",
            method,
            path: path.to_owned(),
            query: Vec::new(),
            headers: Vec::new(),
            body: if body.is_null() {
                Payload::None
            } else {
                Payload::Json(body)
            },
            is_write: !is_read,
        })
        .await
        .with_context(|| format!("The demo's people could not reach {path}"))?;
    anyhow::ensure!(response.status < 300, "{path} answered {}", response.status);
    Ok(())
}

async fn courses(world: &World) -> anyhow::Result<[EntityId; 3]> {
    let filter = EntityFilter {
        kind: Some(Kind::Course),
        limit: 10,
        ..EntityFilter::default()
    };
    let mut found = world.store.entities(&filter).await?;
    found.sort_by_key(|course| {
        course
            .replica(System::Canvas)
            .map(|replica| replica.remote.clone())
    });
    let ids: Vec<EntityId> = found.into_iter().map(|course| course.id).collect();
    ids.try_into()
        .map_err(|_| anyhow::anyhow!("The demo expects three courses."))
}

async fn posts(world: &World, course: &EntityId) -> anyhow::Result<Vec<Entity>> {
    let filter = EntityFilter {
        kind: Some(Kind::Post),
        course: Some(course.clone()),
        status: Some(Status::InSync),
        limit: 50,
        after: None,
    };
    Ok(world.store.entities(&filter).await?)
}

async fn posts_of(world: &World, course: &EntityId, what: &str) -> anyhow::Result<Entity> {
    let found = posts(world, course).await?.pop();
    found.with_context(|| format!("The built-in term has no {what}"))
}

fn remote(entity: &Entity, system: System) -> anyhow::Result<String> {
    let replica = entity
        .replica(system)
        .context("A post of the demo is not on both sides")?;
    Ok(replica.remote.0.clone())
}

/// The address of the post's topic and of the post in Canvas: the connector's ids are `course/topic/entry`.
fn entry_path(post: &Entity) -> anyhow::Result<(String, String)> {
    let id = remote(post, System::Canvas)?;
    let parts: Vec<&str> = id.split('/').collect();
    let [course, topic, entry] = parts.as_slice() else {
        anyhow::bail!("{id} is no entry of Canvas")
    };
    let topic = format!("/api/v1/courses/{course}/discussion_topics/{topic}");
    let entry = format!("{topic}/entries/{entry}");
    Ok((topic, entry))
}

async fn edit_in_canvas(client: &Client, post: &Entity, html: &str) -> anyhow::Result<()> {
    call(
        client,
        Method::PUT,
        &entry_path(post)?.1,
        json!({ "message": html }),
    )
    .await
}

async fn edit_in_discourse(client: &Client, post: &Entity, raw: &str) -> anyhow::Result<()> {
    let id = remote(post, System::Discourse)?;
    call(
        client,
        Method::PUT,
        &format!("/posts/{id}.json"),
        json!({ "post": { "raw": raw } }),
    )
    .await
}
