//! Reading: courses, threads, and what we may have created.

use std::collections::HashSet;

use connector::Thread;
use model::{CreateKey, Field, Kind, Record, RemoteItem, Sighting, Value};

use crate::connector::Discourse;
use crate::endpoint::{IDS_PER_CALL, PageSize};
use crate::failure::{self, Trouble};
use crate::memory::Place;
use crate::order;
use crate::translate::{Reader, id};
use crate::wire::course::Category;
use crate::wire::post::{Post, PostType};
use crate::wire::topic::Topic;

/// The most pages of one topic that are read: 100,000 posts.
const PAGES: u32 = 100;

impl Discourse {
    /// Finds a category by id, slug or name.
    pub(crate) async fn find_course(&self, name: &str) -> Result<Option<RemoteItem>, Trouble> {
        let name = name.trim();
        let found = match name.parse::<i64>() {
            Ok(number) => self.site.category(number).await?,
            Err(_) => match self.site.category_by_slug(name).await? {
                Some(category) => Some(category),
                None => self.category_by_name(name).await?,
            },
        };
        Ok(found.map(|category| {
            self.categories.learn(&category);
            course_item(category)
        }))
    }

    /// The category with exactly this name or slug; none when several have it.
    async fn category_by_name(&self, name: &str) -> Result<Option<Category>, Trouble> {
        let mut fitting = self
            .site
            .categories()
            .await?
            .into_iter()
            .filter(|category| {
                category.name == name || (!name.is_empty() && category.slug == name)
            });
        Ok(match (fitting.next(), fitting.next()) {
            (Some(only), None) => Some(only),
            _ => None,
        })
    }

    /// A category, asked for once.
    pub(crate) async fn category(&self, number: i64) -> Result<Option<Category>, Trouble> {
        if let Some(known) = self.categories.get(number) {
            return Ok(Some(known));
        }
        let category = self.site.category(number).await?;
        if let Some(category) = &category {
            self.categories.learn(category);
        }
        Ok(category)
    }

    /// The translation with what is known now.
    pub(crate) fn reader<'a>(
        &'a self,
        key_of: &'a (dyn Fn(i64) -> Option<String> + Sync),
    ) -> Reader<'a> {
        Reader {
            service_user: self.site.service_user(),
            markup: self.markup.get(),
            key_of,
        }
    }

    /// Reads a topic and all its posts.
    pub(crate) async fn read_thread(&self, topic: i64) -> Result<Thread, Trouble> {
        let Some((mut seen, is_complete)) = self.whole_topic(topic).await? else {
            return Ok(without_posts(RemoteItem {
                kind: Kind::Topic,
                remote: id(topic),
                container: None,
                parent: None,
                key: None,
                mark: None,
                sighting: Sighting::Missing,
            }));
        };
        let category = self.category_of(&seen).await?;
        let key_of = |user| self.people.key(user);
        let head = self.reader(&key_of).topic(&seen, category.as_ref());
        if !matches!(head.sighting, Sighting::Present(_)) && seen.first_post().is_none_or(has_text)
        {
            return Ok(without_posts(head));
        }
        self.fill_texts(&mut seen).await?;
        self.meet(&seen.post_stream.posts).await?;
        let reader = self.reader(&key_of);
        let head = reader.topic(&seen, category.as_ref());
        if !matches!(head.sighting, Sighting::Present(_)) {
            // The replies of a deleted topic have no tombstones of their own, and those of a withheld one are
            // withheld with it: nothing is said about them (contract discourse §13).
            return Ok(without_posts(head));
        }
        let posts = order::arrange(&seen.post_stream.posts)
            .into_iter()
            .filter_map(|placed| reader.post(placed.post, topic, placed.parent))
            .collect();
        Ok(Thread {
            topic: head,
            posts,
            is_complete,
        })
    }

    /// The category of a topic that may be mirrored.
    async fn category_of(&self, topic: &Topic) -> Result<Option<Category>, Trouble> {
        match topic.category_id {
            Some(number) if !topic.is_private() => self.category(number).await,
            _ => Ok(None),
        }
    }

    /// A topic with the posts of all its pages, and whether these are all.
    async fn whole_topic(&self, number: i64) -> Result<Option<(Topic, bool)>, Trouble> {
        let (first, size) = match self.site.topic_page(number, 1, PageSize::Large).await {
            // Large pages are limited for those who are no admins (contract discourse §7.1), and may be too large.
            Err(trouble) if trouble.is(422) || trouble.is_too_large => (
                self.site.topic_page(number, 1, PageSize::Small).await?,
                PageSize::Small,
            ),
            other => (other?, PageSize::Large),
        };
        let Some(mut topic) = first else {
            return Ok(None);
        };
        let mut ids: HashSet<i64> = topic.post_stream.posts.iter().map(|post| post.id).collect();
        let mut last_page = topic.post_stream.posts.len();
        for page in 2..=PAGES {
            if has_all(&topic, last_page) {
                break;
            }
            let Some(next) = self.site.topic_page(number, page, size).await? else {
                break;
            };
            last_page = next.post_stream.posts.len();
            let before = ids.len();
            let fresh = next
                .post_stream
                .posts
                .into_iter()
                .filter(|post| ids.insert(post.id));
            topic.post_stream.posts.extend(fresh);
            if ids.len() == before {
                break;
            }
        }
        for post in &topic.post_stream.posts {
            self.remember_place(post, number);
        }
        let is_complete = has_all(&topic, last_page);
        Ok(Some((topic, is_complete)))
    }

    /// Remembers where a post stands.
    pub(crate) fn remember_place(&self, post: &Post, topic: i64) {
        if let Some(number) = post.post_number {
            self.places.learn(post.id, Place { topic, number });
        }
    }

    /// Asks for the texts that the topic's answer left out.
    async fn fill_texts(&self, topic: &mut Topic) -> Result<(), Trouble> {
        let missing: Vec<i64> = topic
            .post_stream
            .posts
            .iter()
            .filter(|post| !has_text(post) && post.kind() == PostType::Words && !post.is_deleted())
            .map(|post| post.id)
            .collect();
        for ids in missing.chunks(IDS_PER_CALL) {
            for full in self.site.posts_by_id(topic.id, ids).await? {
                if let Some(post) = topic
                    .post_stream
                    .posts
                    .iter_mut()
                    .find(|post| post.id == full.id)
                {
                    *post = full;
                }
            }
        }
        Ok(())
    }

    /// Asks for the keys of authors that are not known yet: one call for each new user.
    pub(crate) async fn meet(&self, posts: &[Post]) -> Result<(), Trouble> {
        let users: HashSet<i64> = posts
            .iter()
            .filter(|post| post.kind() == PostType::Words && !post.is_deleted() && !post.hidden)
            .filter_map(|post| post.user_id)
            .collect();
        for user in users {
            if self.people.is_unknown(user) {
                let key = self.site.user(user).await?.and_then(|user| user.key());
                self.people.learn(user, key.as_deref());
            }
        }
        for post in posts {
            self.recognise(post);
        }
        Ok(())
    }

    /// Learns by which name the author of a post is mentioned.
    fn recognise(&self, post: &Post) {
        let key = post.user_id.and_then(|user| self.people.key(user));
        if let Some(key) = key.filter(|_| self.has_canvas_ids) {
            let (username, name) = (post.username.clone(), post.name.clone().unwrap_or_default());
            self.markup.learn(&key, markup::User { username, name });
        }
    }

    /// A topic with its first post as an item; `None` when there is no such topic.
    pub(crate) async fn topic_item(&self, number: i64) -> Result<Option<RemoteItem>, Trouble> {
        let Some(topic) = self.site.topic_page(number, 1, PageSize::Small).await? else {
            return Ok(None);
        };
        let category = self.category_of(&topic).await?;
        if let Some(first) = topic.first_post() {
            self.meet(std::slice::from_ref(first)).await?;
        }
        let key_of = |user| self.people.key(user);
        Ok(Some(self.reader(&key_of).topic(&topic, category.as_ref())))
    }

    /// Looks for a topic by its key. A deleted topic keeps its key but is not shown under it (contract discourse
    /// §1.7), so `None` means "no such topic that is not deleted"; a create then answers that the key is taken.
    pub(crate) async fn find_topic(&self, key: &CreateKey) -> Result<Option<RemoteItem>, Trouble> {
        match self.site.topic_by_key(key.as_str()).await? {
            None => Ok(None),
            Some(number) => self.topic_item(number).await,
        }
    }

    /// Looks for a post by its key's address, which outlives the post (contract discourse §10).
    pub(crate) async fn find_post(
        &self,
        topic: i64,
        key: &CreateKey,
    ) -> Result<Option<RemoteItem>, Trouble> {
        let found = match self.site.post_by_address(&address(key)).await {
            // While the topic is deleted the look-up of a reply ends in 500.
            Err(trouble) if trouble.is(500) => return Err(self.explain(trouble, topic).await),
            other => other?,
        };
        let Some(number) = found else { return Ok(None) };
        let Some(post) = self.site.post(number).await? else {
            return Ok(None);
        };
        let place = post.topic_id.unwrap_or(topic);
        self.remember_place(&post, place);
        self.meet(std::slice::from_ref(&post)).await?;
        let parent = self.parent_of(&post, place).await?;
        let key_of = |user| self.people.key(user);
        Ok(self
            .reader(&key_of)
            .post(&post, place, parent)
            .map(|item| RemoteItem {
                key: Some(key.clone()),
                ..item
            }))
    }

    /// What an inner error about a topic's post really means.
    pub(crate) async fn explain(&self, trouble: Trouble, topic: i64) -> Trouble {
        match self.site.topic_page(topic, 1, PageSize::Small).await {
            Ok(Some(seen)) if seen.deleted_at.is_some() => {
                failure::container_deleted("the post").into()
            }
            _ => trouble,
        }
    }

    /// The id of the post that a post answers.
    async fn parent_of(&self, post: &Post, topic: i64) -> Result<Option<i64>, Trouble> {
        let Some(number) = post.reply_to_post_number.filter(|number| *number > 1) else {
            return Ok(None);
        };
        if let Some(known) = self.places.post_at(Place { topic, number }) {
            return Ok(Some(known));
        }
        let parent = self.site.post_by_number(topic, number).await?;
        Ok(parent
            .filter(|parent| parent.kind() == PostType::Words)
            .map(|parent| {
                self.remember_place(&parent, topic);
                parent.id
            }))
    }
}

/// The address under which a post can be found again. It leads nowhere on purpose: it may be shown as the post's
/// source (contract discourse §10).
pub(crate) fn address(key: &CreateKey) -> String {
    format!("https://antiphon.invalid/p/{key}")
}

fn has_text(post: &Post) -> bool {
    post.raw.is_some()
}

/// Whether all posts are read: as many as the topic names, or, where it names none, up to a page that is not full.
fn has_all(topic: &Topic, last_page: usize) -> bool {
    match &topic.post_stream.stream {
        Some(stream) => topic.post_stream.posts.len() >= stream.len(),
        None => topic
            .chunk_size
            .and_then(|size| usize::try_from(size).ok())
            .is_none_or(|size| last_page < size),
    }
}

fn without_posts(topic: RemoteItem) -> Thread {
    Thread {
        topic,
        posts: Vec::new(),
        is_complete: false,
    }
}

fn course_item(category: Category) -> RemoteItem {
    RemoteItem {
        kind: Kind::Course,
        remote: id(category.id),
        container: None,
        parent: None,
        key: None,
        mark: None,
        sighting: Sighting::Present(
            Record::default().with(Field::Title, Value::Text(category.name)),
        ),
    }
}
