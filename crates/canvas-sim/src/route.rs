//! The route table and what every handler gets. Handlers live in `route/<noun>.rs`.

mod course;
mod entry;
mod entry_write;
mod file;
mod oauth;
mod people;
mod topic;
mod topic_list;
mod view;

use crate::answer::{Fail, Outcome};
use crate::auth::Caller;
use crate::fault::Kind;
use crate::id;
use crate::json::Reader;
use crate::paging::List;
use crate::policy;
use crate::request::Request;
use crate::state::thread::{Home, Topic};
use crate::world::World;

/// What a handler knows about its request.
pub(crate) struct Ctx<'a> {
    pub request: &'a Request,
    /// What the placeholders of the route caught.
    pub args: Vec<&'a str>,
    pub caller: Option<Caller>,
    pub base: String,
    pub fault: Option<Kind>,
}

type Handler = fn(&mut World, &Ctx<'_>) -> Outcome;

/// One route.
pub(crate) struct Route {
    method: &'static str,
    /// `C` stands for `courses/:id` or `groups/:id`, `:x` for one segment.
    pattern: &'static str,
    pub handler: Handler,
    /// Works without a token.
    pub is_open: bool,
}

const fn api(method: &'static str, pattern: &'static str, handler: Handler) -> Route {
    Route {
        method,
        pattern,
        handler,
        is_open: false,
    }
}

const fn open(method: &'static str, pattern: &'static str, handler: Handler) -> Route {
    Route {
        method,
        pattern,
        handler,
        is_open: true,
    }
}

const ROUTES: &[Route] = &[
    api("GET", "/api/v1/C/discussion_topics", topic_list::list),
    api("POST", "/api/v1/C/discussion_topics", topic::create),
    api(
        "POST",
        "/api/v1/C/discussion_topics/reorder",
        topic::reorder,
    ),
    api("GET", "/api/v1/C/discussion_topics/:topic_id", topic::show),
    api(
        "PUT",
        "/api/v1/C/discussion_topics/:topic_id",
        topic::update,
    ),
    api(
        "DELETE",
        "/api/v1/C/discussion_topics/:topic_id",
        topic::delete,
    ),
    api(
        "POST",
        "/api/v1/C/discussion_topics/:topic_id/duplicate",
        topic::duplicate,
    ),
    api(
        "GET",
        "/api/v1/C/discussion_topics/:topic_id/view",
        view::view,
    ),
    api(
        "PUT",
        "/api/v1/C/discussion_topics/:topic_id/read",
        view::mark_topic,
    ),
    api(
        "DELETE",
        "/api/v1/C/discussion_topics/:topic_id/read",
        view::mark_topic,
    ),
    api(
        "PUT",
        "/api/v1/C/discussion_topics/:topic_id/read_all",
        view::mark_all,
    ),
    api(
        "DELETE",
        "/api/v1/C/discussion_topics/:topic_id/read_all",
        view::mark_all,
    ),
    api(
        "PUT",
        "/api/v1/C/discussion_topics/:topic_id/subscribed",
        view::subscribe,
    ),
    api(
        "DELETE",
        "/api/v1/C/discussion_topics/:topic_id/subscribed",
        view::unsubscribe,
    ),
    api(
        "GET",
        "/api/v1/C/discussion_topics/:topic_id/entry_list",
        entry::entry_list,
    ),
    api(
        "GET",
        "/api/v1/C/discussion_topics/:topic_id/entries",
        entry::entries,
    ),
    api(
        "POST",
        "/api/v1/C/discussion_topics/:topic_id/entries",
        entry_write::create,
    ),
    api(
        "GET",
        "/api/v1/C/discussion_topics/:topic_id/entries/:id/replies",
        entry::replies,
    ),
    api(
        "POST",
        "/api/v1/C/discussion_topics/:topic_id/entries/:id/replies",
        entry_write::reply,
    ),
    api(
        "PUT",
        "/api/v1/C/discussion_topics/:topic_id/entries/:id",
        entry_write::update,
    ),
    api(
        "DELETE",
        "/api/v1/C/discussion_topics/:topic_id/entries/:id",
        entry_write::delete,
    ),
    api(
        "POST",
        "/api/v1/C/discussion_topics/:topic_id/entries/:id/rating",
        entry_write::rate,
    ),
    api(
        "PUT",
        "/api/v1/C/discussion_topics/:topic_id/entries/:id/read",
        entry_write::mark,
    ),
    api(
        "DELETE",
        "/api/v1/C/discussion_topics/:topic_id/entries/:id/read",
        entry_write::mark,
    ),
    api("GET", "/api/v1/announcements", topic_list::announcements),
    api("GET", "/api/v1/courses", course::list),
    api("GET", "/api/v1/courses/:id", course::show),
    api("GET", "/api/v1/courses/:id/settings", course::settings),
    api(
        "PUT",
        "/api/v1/courses/:id/settings",
        course::update_settings,
    ),
    api(
        "GET",
        "/api/v1/courses/:id/permissions",
        course::permissions,
    ),
    api("GET", "/api/v1/courses/:id/sections", course::sections),
    api("GET", "/api/v1/courses/:id/groups", course::groups),
    api("GET", "/api/v1/courses/:id/users", people::course_users),
    api(
        "GET",
        "/api/v1/courses/:id/search_users",
        people::course_users,
    ),
    api(
        "GET",
        "/api/v1/courses/:id/enrollments",
        people::enrollments,
    ),
    api(
        "DELETE",
        "/api/v1/courses/:id/enrollments/:enrollment_id",
        people::conclude,
    ),
    api(
        "PUT",
        "/api/v1/courses/:id/enrollments/:enrollment_id/reactivate",
        people::reactivate,
    ),
    api(
        "GET",
        "/api/v1/courses/:id/assignments/:assignment_id/submissions/:user_id",
        course::submission,
    ),
    api("GET", "/api/v1/sections/:id", course::section),
    api("GET", "/api/v1/groups/:id", course::group),
    api("GET", "/api/v1/groups/:id/users", people::group_users),
    api("GET", "/api/v1/groups/:id/memberships", people::memberships),
    api(
        "GET",
        "/api/v1/group_categories/:id/groups",
        course::category_groups,
    ),
    api("GET", "/api/v1/accounts/:id/users", people::account_users),
    api(
        "GET",
        "/api/v1/accounts/:id/courses",
        course::account_courses,
    ),
    api("GET", "/api/v1/users/self/todo", people::todo),
    api("GET", "/api/v1/users/:id", people::show),
    api("GET", "/api/v1/users/:id/profile", people::profile),
    api(
        "GET",
        "/api/v1/users/:id/enrollments",
        people::user_enrollments,
    ),
    api("POST", "/api/v1/C/files", file::start),
    api("POST", "/api/v1/users/:id/files", file::start_own),
    api("GET", "/api/v1/files/:id", file::show),
    api("GET", "/api/v1/C/files/:id", file::show),
    open("POST", "/files_api", file::receive),
    open("GET", "/api/v1/files/:id/create_success", file::finish),
    open("POST", "/api/v1/files/:id/create_success", file::finish),
    open("GET", "/files/:id/download", file::download),
    open("GET", "/files/:id/preview", file::download),
    open("GET", "/C/files/:id/download", file::download),
    open("GET", "/C/files/:id/preview", file::download),
    open("GET", "/users/:id/files/:file_id/download", file::download),
    open("GET", "/users/:id/files/:file_id/preview", file::download),
    open("POST", "/api/graphql", crate::graphql::answer),
    open("POST", "/login/oauth2/token", oauth::token),
    open("DELETE", "/login/oauth2/token", oauth::revoke),
];

fn catch<'a>(pattern: &str, path: &'a str) -> Option<Vec<&'a str>> {
    let mut args = Vec::new();
    let mut segments = path.split('/');
    for wanted in pattern.split('/') {
        let segment = segments.next()?;
        if wanted == "C" {
            if segment != "courses" && segment != "groups" {
                return None;
            }
            args.push(segment);
            args.push(segments.next()?);
        } else if wanted.starts_with(':') {
            if segment.is_empty() {
                return None;
            }
            args.push(segment);
        } else if wanted != segment {
            return None;
        }
    }
    segments.next().is_none().then_some(args)
}

/// Finds the route of a request.
pub(crate) fn find<'a>(method: &str, path: &'a str) -> Option<(&'static Route, Vec<&'a str>)> {
    let path = path
        .strip_suffix(".json")
        .unwrap_or(path)
        .trim_end_matches('/');
    ROUTES
        .iter()
        .filter(|r| r.method == method)
        .find_map(|r| catch(r.pattern, path).map(|args| (r, args)))
}

impl Route {
    /// The pattern with `C` spelled out for the log.
    pub(crate) fn template(&self, args: &[&str]) -> String {
        match args.first() {
            Some(kind) if self.pattern.contains("/C/") => {
                self.pattern.replace("/C/", &format!("/{kind}/:id/"))
            }
            _ => self.pattern.to_owned(),
        }
    }
}

impl Ctx<'_> {
    /// The caller's id; only meaningful on routes that need a token.
    pub(crate) fn user_id(&self) -> u64 {
        self.caller.as_ref().map_or(0, |c| c.user_id)
    }

    pub(crate) fn arg(&self, at: usize) -> &str {
        self.args.get(at).copied().unwrap_or_default()
    }

    pub(crate) fn reader<'w>(&'w self, world: &'w World) -> Reader<'w> {
        Reader {
            world,
            user_id: self.caller.as_ref().map(|c| c.user_id),
            base: &self.base,
            no_verifiers: self.request.params.is_on("no_verifiers"),
        }
    }

    /// The course or group of the path: 404 if unknown, "not permitted" if closed to the caller.
    pub(crate) fn home(&self, world: &World) -> Result<Home, Fail> {
        let data = &world.data;
        let home = match self.arg(0) {
            "groups" => Home::Group(id::group(data, self.arg(1)).ok_or(Fail::NotFound)?),
            _ => Home::Course(id::course(data, self.arg(1)).ok_or(Fail::NotFound)?),
        };
        let course_id = crate::act::topic::course_of(world, home).ok_or(Fail::NotFound)?;
        let standing = policy::standing(data, Some(self.user_id()), course_id);
        if policy::can_read_home(data, home, &standing) {
            Ok(home)
        } else {
            Err(Fail::NotPermitted)
        }
    }

    /// The topic of the path, deleted ones included; the caller may read its home.
    pub(crate) fn any_topic<'w>(&self, world: &'w World) -> Result<&'w Topic, Fail> {
        let home = self.home(world)?;
        let id = id::local(self.arg(2)).ok_or(Fail::NotFound)?;
        world
            .topic(id)
            .filter(|t| t.home == home)
            .ok_or(Fail::NotFound)
    }

    /// The topic of the path, if the caller sees it.
    pub(crate) fn topic<'w>(&self, world: &'w World) -> Result<&'w Topic, Fail> {
        let id = self.any_topic(world)?.id;
        policy::see_topic(world, id, Some(self.user_id())).map(|(topic, _)| topic)
    }

    /// The topic for the REST reads that an anonymous topic answers with 404.
    pub(crate) fn named_topic<'w>(&self, world: &'w World) -> Result<&'w Topic, Fail> {
        let topic = self.topic(world)?;
        if topic.anonymous_state.is_some() {
            Err(Fail::NotFound)
        } else {
            Ok(topic)
        }
    }

    /// As [`Self::named_topic`], and the caller need not post first.
    pub(crate) fn open_topic<'w>(&self, world: &'w World) -> Result<&'w Topic, Fail> {
        let topic = self.named_topic(world)?;
        self.check_initial_post(world, topic)?;
        Ok(topic)
    }

    pub(crate) fn check_initial_post(&self, world: &World, topic: &Topic) -> Result<(), Fail> {
        let standing = policy::standing(&world.data, Some(self.user_id()), topic.course_id);
        if policy::must_post_first(&world.data, topic, &standing) {
            Err(Fail::InitialPost)
        } else {
            Ok(())
        }
    }

    /// The list at a path, for Link headers.
    pub(crate) fn list<'s>(&'s self, path: &'s str) -> List<'s> {
        List {
            request: self.request,
            base: &self.base,
            path,
        }
    }

    /// Lists lack what is newer than this, when the fault says so.
    pub(crate) fn list_horizon(&self, now_ms: i64) -> i64 {
        match self.fault {
            Some(Kind::StaleList { lag_ms }) => now_ms.saturating_sub(lag_ms),
            _ => i64::MAX,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_found() {
        let (route, args) = find("GET", "/api/v1/courses/1/discussion_topics/7/view").unwrap();
        assert_eq!(args, ["courses", "1", "7"]);
        assert_eq!(
            route.template(&args),
            "/api/v1/courses/:id/discussion_topics/:topic_id/view"
        );
        assert!(find("POST", "/api/v1/courses/1/discussion_topics/reorder").is_some());
        assert!(find("GET", "/api/v1/users/self/todo").unwrap().1.is_empty());
        assert!(find("GET", "/api/v1/users//").is_none());
        assert!(find("GET", "/nowhere").is_none());
    }
}
