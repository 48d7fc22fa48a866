//! Documents and answers of GraphQL (contract canvas §17). Which parts may be asked is found out by introspection.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::Value;

use crate::wire::Id;

/// How many entries or topics come in one page.
const PAGE: usize = 100;
/// How many aliases a request may have (contract canvas §17).
pub(crate) const ALIASES: usize = 20;

/// An answer: HTTP 200 also with errors.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Envelope {
    pub data: Option<Value>,
    pub errors: Option<Vec<RootError>>,
}

/// An error of the whole request.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RootError {
    pub message: String,
}

/// What this server's GraphQL knows, by type; all empty without GraphQL.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Schema {
    course: BTreeSet<String>,
    topic: BTreeSet<String>,
    entry: BTreeSet<String>,
    mutation: BTreeSet<String>,
    query: BTreeSet<String>,
    nodes: BTreeSet<String>,
}

/// The introspection that [`Schema::read`] understands.
pub(crate) const PROBE: &str = "{c:__type(name:\"Course\"){fields{name}} \
     d:__type(name:\"Discussion\"){fields{name}} e:__type(name:\"DiscussionEntry\"){fields{name}} \
     m:__type(name:\"Mutation\"){fields{name}} q:__type(name:\"Query\"){fields{name}} \
     n:__type(name:\"NodeType\"){enumValues{name}}}";

impl Schema {
    /// Reads the answer to [`PROBE`]; an unknown type is null.
    pub(crate) fn read(data: &Value) -> Self {
        let names = |alias: &str, list: &str| -> BTreeSet<String> {
            let found = data.get(alias).and_then(|kind| kind.get(list));
            found
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(|field| field.get("name")?.as_str().map(str::to_owned))
                .collect()
        };
        Self {
            course: names("c", "fields"),
            topic: names("d", "fields"),
            entry: names("e", "fields"),
            mutation: names("m", "fields"),
            query: names("q", "fields"),
            nodes: names("n", "enumValues"),
        }
    }

    /// The change feed of a course.
    pub(crate) fn has_feed(&self) -> bool {
        self.course.contains("discussionsConnection")
    }

    /// `updatedAt` of single topics.
    pub(crate) fn has_topics(&self) -> bool {
        self.query.contains("legacyNode")
            && self.nodes.contains("Discussion")
            && self.topic.contains("updatedAt")
    }

    /// Live entries with everything that a record needs.
    pub(crate) fn has_entries(&self) -> bool {
        self.has_topics()
            && self.topic.contains("discussionEntriesConnection")
            && ["message", "deleted", "parentId", "updatedAt"]
                .iter()
                .all(|field| self.entry.contains(*field))
    }

    /// Edits that keep the file of an entry.
    pub(crate) fn has_update(&self) -> bool {
        self.mutation.contains("updateDiscussionEntry")
    }

    pub(crate) fn has_restore(&self) -> bool {
        self.mutation.contains("restoreDeletedDiscussionEntry")
    }

    pub(crate) fn has_versions(&self) -> bool {
        self.entry.contains("discussionEntryVersions")
    }

    /// The fields of a topic that are worth asking and known here.
    fn topic_fields(&self) -> String {
        let wanted = [
            "updatedAt",
            "editedAt",
            "anonymousState",
            "onlyVisibleToOverrides",
            "visibleToEveryone",
            "requireInitialPost",
        ];
        let known = wanted.into_iter().filter(|name| self.topic.contains(*name));
        known.fold("_id".to_owned(), |all, name| all + " " + name)
    }

    fn entry_fields(&self) -> String {
        let wanted = [
            ("parentId", ""),
            ("createdAt", ""),
            ("updatedAt", ""),
            ("editedAt", ""),
            ("deleted", ""),
            ("message", ""),
            ("author", "{_id shortName}"),
            ("anonymousAuthor", "{id}"),
            ("attachment", "{_id}"),
            ("quotedEntry", "{_id}"),
        ];
        let known = wanted
            .into_iter()
            .filter(|(name, _)| self.entry.contains(*name));
        known.fold("_id".to_owned(), |all, (name, inner)| {
            all + " " + name + inner
        })
    }

    /// A topic's facts and a page of its entries; variables `id`, `after`, and `term` for a search.
    pub(crate) fn thread(&self, is_search: bool) -> String {
        let (variable, argument) = if is_search {
            (", $term: String", ", searchTerm: $term")
        } else {
            ("", "")
        };
        format!(
            "query($id: ID!, $after: String{variable}) {{ legacyNode(type: Discussion, _id: $id) {{ ... on Discussion {{ \
             {topic} discussionEntriesConnection(first: {PAGE}, after: $after{argument}) {{ nodes {{ {entry} }} \
             pageInfo {{ endCursor hasNextPage }} }} }} }} }}",
            topic = self.topic_fields(),
            entry = self.entry_fields(),
        )
    }

    /// The facts of some topics, under the aliases `t0`, `t1`, …
    pub(crate) fn topics(&self, ids: &[String]) -> String {
        let mut document = "{".to_owned();
        for (number, id) in ids.iter().enumerate().take(ALIASES) {
            // Writing into a String cannot fail; ids are digits.
            write!(
                document,
                "t{number}:legacyNode(type: Discussion, _id: \"{id}\"){{... on Discussion{{{}}}}} ",
                self.topic_fields()
            )
            .unwrap_or(());
        }
        document + "}"
    }

    /// An edit of an entry; variables `id`, `message`, and `quote` where it quotes one.
    pub(crate) fn update(&self, has_quote: bool) -> String {
        let (variable, argument) = if has_quote {
            (", $quote: ID", ", quotedEntryId: $quote")
        } else {
            ("", "")
        };
        format!(
            "mutation($id: ID!, $message: String!{variable}) {{ updateDiscussionEntry(input: {{discussionEntryId: $id, \
             message: $message{argument}}}) {{ discussionEntry {{ {} }} errors {{ attribute message }} }} }}",
            self.entry_fields()
        )
    }

    /// The return of a deleted entry; variable `id`.
    pub(crate) fn restore(&self) -> String {
        format!(
            "mutation($id: ID!) {{ restoreDeletedDiscussionEntry(input: {{discussionEntryId: $id}}) {{ \
             discussionEntry {{ {} }} errors {{ attribute message }} }} }}",
            self.entry_fields()
        )
    }
}

/// One page of a course's topics with the time of their last change; variables `id` and `after`.
pub(crate) const FEED: &str = "query($id: ID!, $after: String) { course(id: $id) { _id \
     discussionsConnection(first: 100, after: $after) { nodes { _id updatedAt } pageInfo { endCursor hasNextPage } } } }";

/// What GraphQL tells of a topic.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct TopicFacts {
    #[serde(rename = "_id")]
    pub id: Option<Id>,
    pub updated_at: Option<String>,
    pub edited_at: Option<String>,
    pub anonymous_state: Option<String>,
    pub only_visible_to_overrides: Option<bool>,
    pub visible_to_everyone: Option<bool>,
    pub require_initial_post: Option<bool>,
    pub discussion_entries_connection: Option<Page<EntryNode>>,
}

/// One page of a connection.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Page<T> {
    #[serde(default = "Option::default")]
    pub nodes: Option<Vec<Option<T>>>,
    #[serde(default)]
    pub page_info: PageInfo,
}

/// Where the next page begins.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct PageInfo {
    pub end_cursor: Option<String>,
    pub has_next_page: Option<bool>,
}

impl<T> Page<T> {
    /// The cursor of the next page; `None` on the last one.
    pub(crate) fn next(&self) -> Option<String> {
        let info = &self.page_info;
        let has_next = info.has_next_page.unwrap_or(false);
        info.end_cursor.clone().filter(|_| has_next)
    }

    pub(crate) fn into_nodes(self) -> impl Iterator<Item = T> {
        self.nodes.into_iter().flatten().flatten()
    }
}

/// An entry.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct EntryNode {
    #[serde(rename = "_id")]
    pub id: Option<Id>,
    pub parent_id: Option<Id>,
    pub created_at: Option<String>,
    pub updated_at: Option<String>,
    pub edited_at: Option<String>,
    pub deleted: Option<bool>,
    pub message: Option<String>,
    pub author: Option<Person>,
    pub anonymous_author: Option<Value>,
    pub attachment: Option<Reference>,
    pub quoted_entry: Option<Reference>,
}

/// An author.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Person {
    #[serde(rename = "_id")]
    pub id: Option<Id>,
    pub short_name: Option<String>,
}

/// Something of which only the id matters.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Reference {
    #[serde(rename = "_id")]
    pub id: Option<Id>,
}

/// The answer of a thread query.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ThreadData {
    pub legacy_node: Option<TopicFacts>,
}

/// The answer of the aliased query.
pub(crate) type TopicsData = BTreeMap<String, Option<TopicFacts>>;

/// The answer of the feed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct FeedData {
    pub course: Option<FeedCourse>,
}

/// The course of a feed.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct FeedCourse {
    pub discussions_connection: Option<Page<TopicFacts>>,
}

/// The answer of a mutation, by its name.
pub(crate) type MutationData = BTreeMap<String, Option<Payload>>;

/// What a mutation of an entry gives back.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Payload {
    pub discussion_entry: Option<EntryNode>,
    pub errors: Option<Vec<ValidationError>>,
}

/// Why a mutation was refused.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ValidationError {
    pub attribute: Option<String>,
    pub message: Option<String>,
}
