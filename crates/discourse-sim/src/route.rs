//! The table of endpoints and how a path finds its row. `.json` at the end never matters.

mod category;
mod group;
mod hook;
mod like;
mod list;
mod post;
mod post_write;
mod review;
mod site;
mod topic;
mod topic_write;
mod upload;
mod user;
mod user_admin;

pub use list::is_list;
use percent_encoding::percent_decode_str;

use crate::answer::{Answer, Outcome};
use crate::auth::Actor;
use crate::param::Params;
use crate::state::World;

/// One authenticated request on its way.
pub struct Call<'a> {
    /// The forum.
    pub world: &'a mut World,
    /// Who asks.
    pub actor: Actor,
    /// All parameters.
    pub params: &'a Params,
    /// The values of `{…}` in the template.
    pub vars: Vec<String>,
    /// The path as sent, with `.json`.
    pub path: &'a str,
    /// The query as sent, without `?`.
    pub query: &'a str,
    /// What tells one client from another in the replay cache.
    pub client: &'a str,
}

impl Call<'_> {
    /// A variable of the path.
    pub fn var(&self, at: usize) -> &str {
        self.vars.get(at).map_or("", String::as_str)
    }

    /// A variable of the path that is a number; 404 otherwise.
    pub fn id(&self, at: usize) -> Result<i64, Answer> {
        self.var(at).parse().map_err(|_| Answer::not_found())
    }

    /// A text parameter, or the refusal that names it.
    pub fn need(&self, name: &str) -> Result<String, Answer> {
        self.params
            .text(name)
            .filter(|text| !text.is_empty())
            .ok_or_else(|| Answer::missing_parameter(name))
    }

    /// An absolute URL.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.world.base_url)
    }
}

/// What an endpoint does.
pub type Handler = fn(&mut Call<'_>) -> Outcome;

/// One endpoint.
pub struct Route {
    /// The method.
    pub method: &'static str,
    /// The path with `{…}` for variables.
    pub template: &'static str,
    /// What it does.
    pub run: Handler,
}

/// Tables by noun; within a table the first fit wins.
const TABLES: &[&[Route]] = &[
    post::ROUTES,
    post_write::ROUTES,
    topic::ROUTES,
    topic_write::ROUTES,
    list::ROUTES,
    category::ROUTES,
    group::ROUTES,
    user::ROUTES,
    user_admin::ROUTES,
    upload::ROUTES,
    like::ROUTES,
    review::ROUTES,
    hook::ROUTES,
    site::ROUTES,
];

/// The endpoint of a path, with the values of its variables. HEAD is served by GET.
pub fn find(method: &str, path: &str) -> Option<(&'static Route, Vec<String>)> {
    let path = strip_json(path);
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let method = if method == "HEAD" { "GET" } else { method };
    TABLES
        .iter()
        .flat_map(|table| table.iter())
        .filter(|route| route.method == method)
        .find_map(|route| fit(route.template, &parts).map(|vars| (route, vars)))
}

/// All endpoints.
#[cfg(test)]
pub fn all() -> impl Iterator<Item = &'static Route> {
    TABLES.iter().flat_map(|table| table.iter())
}

/// A path without `.json`.
pub fn strip_json(path: &str) -> &str {
    path.strip_suffix(".json").unwrap_or(path)
}

fn fit(template: &str, parts: &[&str]) -> Option<Vec<String>> {
    let mut vars = Vec::new();
    let mut wanted = template.split('/').filter(|part| !part.is_empty());
    for part in parts {
        let pattern = wanted.next()?;
        if pattern.starts_with('{') {
            // `{id:n}` takes numbers only.
            if pattern.ends_with(":n}") && part.parse::<i64>().is_err() {
                return None;
            }
            vars.push(percent_decode_str(part).decode_utf8_lossy().into_owned());
        } else if pattern != *part {
            return None;
        }
    }
    wanted.next().is_none().then_some(vars)
}

#[cfg(test)]
mod tests {
    use super::find;

    fn template(method: &str, path: &str) -> Option<(&'static str, Vec<String>)> {
        find(method, path).map(|(route, vars)| (route.template, vars))
    }

    #[test]
    fn paths_find_their_endpoint() {
        let vars = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(template("POST", "/posts.json"), Some(("/posts", vec![])));
        assert_eq!(
            template("GET", "/posts/35.json"),
            Some(("/posts/{id}", vars(&["35"])))
        );
        assert_eq!(
            template("HEAD", "/t/171.json"),
            Some(("/t/{id}", vars(&["171"])))
        );
        assert_eq!(
            template("GET", "/u/by-external/a%20b.json"),
            Some(("/u/by-external/{external_id}", vars(&["a b"])))
        );
        assert_eq!(
            template("GET", "/t/external_id/k-1.json"),
            Some(("/t/external_id/{external_id}", vars(&["k-1"])))
        );
        assert_eq!(
            template("PUT", "/t/-/22.json"),
            Some(("/t/-/{id}", vars(&["22"])))
        );
        assert_eq!(
            template("GET", "/t/some-slug/22.json"),
            Some(("/t/{slug}/{id}", vars(&["some-slug", "22"])))
        );
        assert_eq!(
            template("GET", "/t/27/30.json"),
            Some(("/t/{id:n}/{number:n}", vars(&["27", "30"])))
        );
        assert_eq!(template("GET", "/nothing/here.json"), None);
    }
}
