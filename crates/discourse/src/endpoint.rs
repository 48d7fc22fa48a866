//! The calls that are used, each with its path and the shape of its answer (contract discourse §6 to §8).

use api_client::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::failure::{self, Trouble};
use crate::site::{Call, Identity, Reply, Site};
use crate::wire::course::{
    About, AboutAnswer, AllCategories, Category, CurrentUser, MemberPage, OneCategory, Session,
};
use crate::wire::person::{User, UserEvent};
use crate::wire::post::{Created, EmbedInfo, Latest, Post, Updated};
use crate::wire::topic::{Changed, Listing, PostsById, Topic, TopicList};

/// How many posts are asked for by id in one call, for the length of the address (contract discourse §7.2).
pub(crate) const IDS_PER_CALL: usize = 100;

/// How a page of a topic is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PageSize {
    /// 1,000 posts: needs an admin, or few calls.
    Large,
    /// 20 posts.
    Small,
}

impl Site {
    /// What the server says about itself.
    pub(crate) async fn about(&self) -> Result<About, Trouble> {
        let answer: AboutAnswer = self
            .read(Call::get("read_about", "/about.json".to_owned()))
            .await?;
        Ok(answer.about)
    }

    /// Whom the key acts as; `None` when the server does not tell.
    pub(crate) async fn session(
        &self,
        identity: Identity<'_>,
    ) -> Result<Option<CurrentUser>, Trouble> {
        let call = Call::get("read_session", "/session/current.json".to_owned());
        let answer: Option<Session> = self.look(Call { identity, ..call }).await?;
        Ok(answer.map(|session| session.current_user))
    }

    /// A category.
    pub(crate) async fn category(&self, id: i64) -> Result<Option<Category>, Trouble> {
        let call = Call::get("read_category", format!("/c/{id}/show.json"));
        Ok(self
            .look::<OneCategory>(call)
            .await?
            .map(|answer| answer.category))
    }

    /// A category by its slug.
    pub(crate) async fn category_by_slug(&self, slug: &str) -> Result<Option<Category>, Trouble> {
        let slug = utf8_percent_encode(slug, KEY);
        let call = Call::get("find_category", format!("/c/{slug}/find_by_slug.json"));
        Ok(self
            .look::<OneCategory>(call)
            .await?
            .map(|answer| answer.category))
    }

    /// All categories.
    pub(crate) async fn categories(&self) -> Result<Vec<Category>, Trouble> {
        let call = Call::get("list_categories", "/categories.json".to_owned())
            .with(&[("include_subcategories", "true")]);
        Ok(self
            .read::<AllCategories>(call)
            .await?
            .category_list
            .categories)
    }

    /// A page of a topic with raw texts and deleted posts; `None` when there is no such topic or page.
    pub(crate) async fn topic_page(
        &self,
        id: i64,
        page: u32,
        size: PageSize,
    ) -> Result<Option<Topic>, Trouble> {
        let mut call = Call::get("read_topic", format!("/t/{id}.json"))
            .with(&[("include_raw", "1"), ("show_deleted", "true")]);
        if size == PageSize::Large {
            call = call.with(&[("print", "true")]);
        }
        if page < 2 {
            return self.look(call).await;
        }
        // Past the end newer servers redirect to the last page (contract discourse §1.21).
        match self
            .ask(call.with(&[("page", page.to_string().as_str())]))
            .await?
        {
            Reply::Here(topic) => Ok(Some(*topic)),
            Reply::Elsewhere(_) | Reply::Nowhere => Ok(None),
        }
    }

    /// The head of a topic as a person sees it; `None` when that person may not see it.
    pub(crate) async fn topic_as(&self, id: i64, key: &str) -> Result<Option<Topic>, Trouble> {
        let call = Call::get("read_topic_as_person", format!("/t/{id}.json"));
        match self
            .look(Call {
                identity: Identity::Person(key),
                ..call
            })
            .await
        {
            Err(trouble) if trouble.is(403) => Ok(None),
            other => other,
        }
    }

    /// Posts of a topic by their ids; those that are elsewhere are left out.
    pub(crate) async fn posts_by_id(&self, topic: i64, ids: &[i64]) -> Result<Vec<Post>, Trouble> {
        let mut call =
            Call::get("read_posts", format!("/t/{topic}/posts.json")).with(&[("include_raw", "1")]);
        call.query.extend(
            ids.iter()
                .map(|id| ("post_ids[]".to_owned(), id.to_string())),
        );
        Ok(self.read::<PostsById>(call).await?.post_stream.posts)
    }

    /// A post.
    pub(crate) async fn post(&self, id: i64) -> Result<Option<Post>, Trouble> {
        self.look(Call::get("read_post", format!("/posts/{id}.json")))
            .await
    }

    /// A post by its number in a topic.
    pub(crate) async fn post_by_number(
        &self,
        topic: i64,
        number: i64,
    ) -> Result<Option<Post>, Trouble> {
        let path = format!("/posts/by_number/{topic}/{number}.json");
        self.look(Call::get("read_post_by_number", path)).await
    }

    /// The id of the topic that was made under a key (contract discourse §7.4: a redirect to it).
    pub(crate) async fn topic_by_key(&self, key: &str) -> Result<Option<i64>, Trouble> {
        let name = "find_topic";
        let key = utf8_percent_encode(key, KEY);
        let call = Call::get(name, format!("/t/external_id/{key}.json"))
            .with(&[("include_raw", "1"), ("show_deleted", "true")]);
        match self.ask::<Topic>(call).await? {
            Reply::Here(topic) => Ok(Some(topic.id)),
            Reply::Nowhere => Ok(None),
            Reply::Elsewhere(place) => match id_in_path(&place) {
                Some(id) => Ok(Some(id)),
                None => Err(failure::unexpected(name, false, "a redirect to no topic").into()),
            },
        }
    }

    /// The id of the post that was made under a key's address.
    pub(crate) async fn post_by_address(&self, address: &str) -> Result<Option<i64>, Trouble> {
        let call =
            Call::get("find_post", "/embed/info.json".to_owned()).with(&[("embed_url", address)]);
        Ok(self
            .look::<EmbedInfo>(call)
            .await?
            .and_then(|info| info.post_id))
    }

    /// A user as admins see it.
    pub(crate) async fn user(&self, id: i64) -> Result<Option<User>, Trouble> {
        self.look(Call::get("read_user", format!("/admin/users/{id}.json")))
            .await
    }

    /// The account with a stable key (contract discourse §8.3).
    pub(crate) async fn user_by_key(&self, key: &str) -> Result<Option<User>, Trouble> {
        let call = Call::get("read_user_by_key", format!("/u/by-external/{key}.json"));
        let found: Option<UserEvent> = self.look(call).await?;
        Ok(found.map(|found| found.user))
    }

    /// A page of a group's members (contract discourse §8.2: at most 1,000).
    pub(crate) async fn members(&self, group: &str, offset: usize) -> Result<MemberPage, Trouble> {
        let group = utf8_percent_encode(group, KEY);
        let call = Call::get("list_members", format!("/groups/{group}/members.json")).with(&[
            ("limit", "1000"),
            ("offset", offset.to_string().as_str()),
            ("asc", "true"),
            ("order", "added_at"),
        ]);
        self.read(call).await
    }

    /// A page of a category's topics, the most recently active first; `None` when the path is not the category's.
    pub(crate) async fn listing(
        &self,
        category: &Category,
        page: u32,
    ) -> Result<Option<TopicList>, Trouble> {
        let path = format!("/c/{}/{}/l/latest.json", category.path_name(), category.id);
        let call = Call::get("list_topics", path).with(&[
            ("order", "activity"),
            ("per_page", "100"),
            ("no_definitions", "true"),
            ("page", page.to_string().as_str()),
        ]);
        match self.ask::<Listing>(call).await? {
            Reply::Here(listing) => Ok(Some(listing.topic_list)),
            Reply::Elsewhere(_) | Reply::Nowhere => Ok(None),
        }
    }

    /// The newest posts of the site, those with ids below `before` when it is given.
    pub(crate) async fn latest_posts(&self, before: Option<i64>) -> Result<Vec<Post>, Trouble> {
        let mut call = Call::get("list_posts", "/posts.json".to_owned());
        if let Some(before) = before {
            call = call.with(&[("before", before.to_string().as_str())]);
        }
        Ok(self.read::<Latest>(call).await?.latest_posts)
    }

    /// Makes a topic or post.
    pub(crate) async fn create(
        &self,
        body: Value,
        identity: Identity<'_>,
    ) -> Result<Created, Trouble> {
        let name = "create_post";
        let call = Call::new(name, Method::POST, "/posts.json".to_owned());
        let answer: Value = self
            .read(Call {
                body: Some(body),
                identity,
                ..call
            })
            .await?;
        Created::parse(answer).ok_or_else(|| {
            failure::unexpected(name, true, "neither a post nor a queue entry").into()
        })
    }

    /// Changes a post; for a first post the title may ride along.
    pub(crate) async fn update_post(&self, id: i64, body: Value) -> Result<Post, Trouble> {
        let call = Call::new("update_post", Method::PUT, format!("/posts/{id}.json"));
        Ok(self
            .read::<Updated>(Call {
                body: Some(body),
                ..call
            })
            .await?
            .post)
    }

    /// Changes a topic's title and answers it as it was stored.
    pub(crate) async fn rename_topic(
        &self,
        id: i64,
        title: &str,
        original: Option<&str>,
    ) -> Result<String, Trouble> {
        let mut body = json!({ "title": title });
        if let (Some(original), Some(fields)) = (original, body.as_object_mut()) {
            fields.insert("original_title".to_owned(), Value::from(original));
        }
        let call = Call::new("update_topic", Method::PUT, format!("/t/-/{id}.json"));
        Ok(self
            .read::<Changed>(Call {
                body: Some(body),
                ..call
            })
            .await?
            .basic_topic
            .title)
    }

    /// Closes, pins and so on; setting what is set already does nothing.
    pub(crate) async fn set_status(
        &self,
        id: i64,
        status: &str,
        is_on: bool,
    ) -> Result<(), Trouble> {
        let body = json!({ "status": status, "enabled": if is_on { "true" } else { "false" } });
        let call = Call::new("set_status", Method::PUT, format!("/t/{id}/status.json"));
        self.send(Call {
            body: Some(body),
            ..call
        })
        .await
        .map(|_| ())
    }

    /// Deletes a post as staff.
    pub(crate) async fn delete_post(&self, id: i64) -> Result<(), Trouble> {
        let call = Call::new("delete_post", Method::DELETE, format!("/posts/{id}.json"));
        self.send(call).await.map(|_| ())
    }

    /// Deletes a topic as staff.
    pub(crate) async fn delete_topic(&self, id: i64) -> Result<(), Trouble> {
        let call = Call::new("delete_topic", Method::DELETE, format!("/t/{id}.json"));
        self.send(call).await.map(|_| ())
    }

    /// Brings a deleted post back.
    pub(crate) async fn recover_post(&self, id: i64) -> Result<(), Trouble> {
        let call = Call::new(
            "recover_post",
            Method::PUT,
            format!("/posts/{id}/recover.json"),
        );
        self.send(Call {
            body: Some(json!({})),
            ..call
        })
        .await
        .map(|_| ())
    }

    /// Brings a deleted topic back.
    pub(crate) async fn recover_topic(&self, id: i64) -> Result<(), Trouble> {
        let call = Call::new(
            "recover_topic",
            Method::PUT,
            format!("/t/{id}/recover.json"),
        );
        self.send(Call {
            body: Some(json!({})),
            ..call
        })
        .await
        .map(|_| ())
    }
}

/// The characters of a key stay as they are: the route accepts them (contract discourse §7.4).
const KEY: &percent_encoding::AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');

/// The topic's id in a path like `/t/some-title/22.json?page=2`.
fn id_in_path(location: &str) -> Option<i64> {
    let path = location.split(['?', '#']).next()?;
    path.rsplit('/')
        .next()?
        .trim_end_matches(".json")
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_topic_is_read_from_the_redirect() {
        let full = "http://localhost:13000/t/photosynthesis-question-thread-360854/22.json";
        assert_eq!(id_in_path(full), Some(22));
        assert_eq!(id_in_path("/t/x/7.json?include_raw=1"), Some(7));
        assert_eq!(id_in_path("/login"), None);
    }
}
