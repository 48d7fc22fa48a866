//! Everything the forum knows, in memory, with the indexes that keep requests cheap.
//!
//! Rows and look-ups only; the rules are in `act`, the shapes in `json`.

pub mod category;
pub mod group;
pub mod post;
pub mod review;
pub mod topic;
pub mod upload;
pub mod user;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::auth::ApiKey;
use crate::clock::Clock;
use crate::fault::Faults;
use crate::hook::HookState;
use crate::limit::Limits;
use crate::log::CallLog;
use crate::option::{Options, Profile, Switches};
use crate::replay::ReplayCache;
use crate::setting::Settings;
use category::Category;
use group::Group;
use post::Post;
use review::QueuedPost;
use topic::{Tag, Topic};
use upload::Upload;
use user::User;

/// The user id of `system`.
pub const SYSTEM: i64 = -1;
/// The category that topics without category go to, when the setting allows that.
pub const UNCATEGORIZED: i64 = 1;

/// The last id given out, by kind of row.
#[derive(Debug, Default)]
pub struct Ids {
    last: HashMap<&'static str, i64>,
}

impl Ids {
    /// The next id of a kind.
    pub fn next(&mut self, kind: &'static str) -> i64 {
        let last = self.last.entry(kind).or_insert(0);
        *last += 1;
        *last
    }

    /// Makes sure that ids up to `id` are not given out again.
    pub fn reserve(&mut self, kind: &'static str, id: i64) {
        let last = self.last.entry(kind).or_insert(0);
        *last = (*last).max(id);
    }
}

/// A row of `topic_embeds`: one per `embed_url` (contract section 10).
#[derive(Debug, Clone, Copy)]
pub struct Embed {
    /// The topic the post was made in.
    pub topic_id: i64,
    /// The post.
    pub post_id: i64,
}

/// What the forum does by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Job {
    /// Deletes a post that its author deleted a while ago (contract section 13).
    ReapStub(i64),
    /// Runs the timer of a topic.
    TopicTimer(i64),
    /// Removes a quote of the whole previous post (contract section 17).
    RemoveFullQuote(i64),
}

/// The whole forum.
pub struct World {
    /// Which server is imitated.
    pub profile: Profile,
    /// The points where servers differ.
    pub switches: Switches,
    /// Site settings.
    pub settings: Settings,
    /// The forum's time.
    pub clock: Clock,
    /// Random choices of the faults.
    pub rng: ChaCha8Rng,
    /// The address in absolute links.
    pub base_url: String,
    /// Id counters.
    pub ids: Ids,
    /// Users by id.
    pub users: BTreeMap<i64, User>,
    user_names: HashMap<String, i64>,
    external_users: HashMap<String, i64>,
    /// Categories by id.
    pub categories: BTreeMap<i64, Category>,
    /// Groups by id; automatic ones included.
    pub groups: BTreeMap<i64, Group>,
    /// Topics by id, deleted ones included.
    pub topics: BTreeMap<i64, Topic>,
    /// Posts by id, deleted ones included.
    pub posts: BTreeMap<i64, Post>,
    /// Topic ids by lower-case title.
    titles: HashMap<String, BTreeSet<i64>>,
    /// Topic ids by lower-case `external_id`, deleted topics included.
    pub external_topics: HashMap<String, i64>,
    /// Embed rows by URL.
    pub embeds: HashMap<String, Embed>,
    /// Tags by id.
    pub tags: BTreeMap<i64, Tag>,
    /// Uploads by id.
    pub uploads: BTreeMap<i64, Upload>,
    /// Upload ids by SHA-1.
    pub upload_by_sha1: HashMap<String, i64>,
    /// Posts that wait for approval, by reviewable id.
    pub queue: BTreeMap<i64, QueuedPost>,
    /// API keys.
    pub keys: HashMap<String, ApiKey>,
    /// Rate counters.
    pub limits: Limits,
    /// The admin-key limit; `None` does not count.
    pub admin_limit_per_minute: Option<u32>,
    /// Whether the counters by client address are on.
    pub ip_limits: bool,
    /// Stored answers of `POST /posts`.
    pub replay: ReplayCache,
    /// When each author last sent each text: `unique_posts_mins`.
    pub recent_texts: HashMap<(i64, String), i64>,
    /// Web hooks and their deliveries.
    pub hooks: HookState,
    /// Pending misbehaviour.
    pub faults: Faults,
    /// What was asked.
    pub log: CallLog,
    /// What the forum does by itself later, by due time.
    pub jobs: BTreeMap<(i64, u64), Job>,
    next_job: u64,
}

impl World {
    /// A forum without content: groups, `system` and settings only.
    pub fn new(options: &Options) -> Self {
        let mut settings = Settings::new(options.profile);
        for (name, value) in &options.settings {
            // Unknown names are reported by `Sim::new` before this runs.
            settings.set(name, value).unwrap_or_default();
        }
        Self {
            profile: options.profile,
            switches: Switches::of(options.profile),
            settings,
            clock: Clock::new(options.time_source.clone()),
            rng: ChaCha8Rng::seed_from_u64(options.seed),
            base_url: options.base_url.trim_end_matches('/').to_owned(),
            ids: Ids::default(),
            users: BTreeMap::new(),
            user_names: HashMap::new(),
            external_users: HashMap::new(),
            categories: BTreeMap::new(),
            groups: group::automatic(),
            topics: BTreeMap::new(),
            posts: BTreeMap::new(),
            titles: HashMap::new(),
            external_topics: HashMap::new(),
            embeds: HashMap::new(),
            tags: BTreeMap::new(),
            uploads: BTreeMap::new(),
            upload_by_sha1: HashMap::new(),
            queue: BTreeMap::new(),
            keys: HashMap::new(),
            limits: Limits::default(),
            admin_limit_per_minute: options.admin_limit_per_minute,
            ip_limits: options.ip_limits,
            replay: ReplayCache::default(),
            recent_texts: HashMap::new(),
            hooks: HookState::default(),
            faults: Faults::default(),
            log: CallLog::default(),
            jobs: BTreeMap::new(),
            next_job: 0,
        }
    }

    /// The present.
    pub fn now(&self) -> i64 {
        self.clock.now_ms()
    }

    /// Plans a job.
    pub fn plan(&mut self, due_ms: i64, job: Job) {
        self.next_job += 1;
        self.jobs.insert((due_ms, self.next_job), job);
    }

    /// Adds a user and its index entries.
    pub fn add_user(&mut self, user: User) {
        self.user_names
            .insert(user.username.to_lowercase(), user.id);
        if let Some(record) = &user.sso {
            self.external_users
                .insert(record.external_id.clone(), user.id);
        }
        self.users.insert(user.id, user);
    }

    /// A user by name, in any case.
    pub fn user_by_name(&self, name: &str) -> Option<&User> {
        self.user_names
            .get(&name.to_lowercase())
            .and_then(|id| self.users.get(id))
    }

    /// A user by DiscourseConnect external id.
    pub fn user_by_external(&self, external_id: &str) -> Option<&User> {
        self.external_users
            .get(external_id)
            .and_then(|id| self.users.get(id))
    }

    /// A user by e-mail address, in any case.
    pub fn user_by_email(&self, email: &str) -> Option<&User> {
        let email = email.to_lowercase();
        self.users
            .values()
            .find(|user| user.email.to_lowercase() == email)
    }

    /// Gives a user another name.
    pub fn rename_user(&mut self, id: i64, name: &str) {
        if let Some(user) = self.users.get_mut(&id) {
            self.user_names.remove(&user.username.to_lowercase());
            name.clone_into(&mut user.username);
            self.user_names.insert(name.to_lowercase(), id);
        }
    }

    /// Gives a user another DiscourseConnect record.
    pub fn set_sso(&mut self, id: i64, record: user::SsoRecord) {
        if let Some(user) = self.users.get_mut(&id) {
            if let Some(old) = &user.sso {
                self.external_users.remove(&old.external_id);
            }
            self.external_users.insert(record.external_id.clone(), id);
            user.sso = Some(record);
        }
    }

    /// A category by id or slug.
    pub fn category_by_ref(&self, text: &str) -> Option<&Category> {
        match text.parse::<i64>() {
            Ok(id) => self.categories.get(&id),
            Err(_) => self
                .categories
                .values()
                .find(|category| category.slug == text),
        }
    }

    /// A group by name, in any case.
    pub fn group_by_name(&self, name: &str) -> Option<&Group> {
        let name = name.to_lowercase();
        self.groups
            .values()
            .find(|group| group.name.to_lowercase() == name)
    }

    /// A topic's live (not deleted) namesake besides `except`.
    pub fn title_taken(&self, title: &str, except: Option<i64>) -> bool {
        self.titles.get(&title.to_lowercase()).is_some_and(|ids| {
            ids.iter().any(|id| {
                Some(*id) != except
                    && self
                        .topics
                        .get(id)
                        .is_some_and(|topic| topic.deleted_at.is_none() && !topic.is_private)
            })
        })
    }

    /// Records a topic's title in the index, forgetting `old`.
    pub fn index_title(&mut self, id: i64, old: Option<&str>, new: &str) {
        if let Some(old) = old
            && let Some(ids) = self.titles.get_mut(&old.to_lowercase())
        {
            ids.remove(&id);
        }
        self.titles
            .entry(new.to_lowercase())
            .or_default()
            .insert(id);
    }

    /// The posts of a topic in number order, deleted ones included.
    pub fn posts_of(&self, topic: &Topic) -> impl Iterator<Item = &Post> {
        topic.posts.iter().filter_map(|id| self.posts.get(id))
    }

    /// The first post of a topic.
    pub fn first_post(&self, topic_id: i64) -> Option<&Post> {
        let topic = self.topics.get(&topic_id)?;
        self.posts_of(topic).next().filter(|post| post.number == 1)
    }

    /// A post of a topic by number.
    pub fn post_by_number(&self, topic_id: i64, number: i64) -> Option<&Post> {
        let topic = self.topics.get(&topic_id)?;
        let index = topic
            .posts
            .binary_search_by_key(&number, |id| {
                self.posts.get(id).map_or(0, |post| post.number)
            })
            .ok()?;
        topic.posts.get(index).and_then(|id| self.posts.get(id))
    }

    /// The tag of a name, made when new.
    pub fn tag_named(&mut self, name: &str) -> (i64, bool) {
        let clean = topic::clean_tag(name);
        if let Some(tag) = self.tags.values().find(|tag| tag.name == clean) {
            return (tag.id, false);
        }
        let id = self.ids.next("tag");
        self.tags.insert(id, Tag { id, name: clean });
        (id, true)
    }
}
