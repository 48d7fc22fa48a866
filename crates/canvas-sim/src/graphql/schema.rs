//! The schema as a table: types, fields, result types, arguments. Two versions: today's, and the
//! small one of April 2019, which knows no discussion content (contract canvas §17).

// tidy: long because it is a table of types and fields.

/// One field: type, name, result type (`[X]` = list, upper-case name of a composite type or a scalar),
/// argument names (`!` = required).
pub(crate) type Row = (&'static str, &'static str, &'static str, &'static str);

/// Fields that both versions have.
const COMMON: &[Row] = &[
    ("Query", "allCourses", "[Course]", ""),
    ("Query", "course", "Course", "id sisId"),
    ("Query", "legacyNode", "Node", "_id! type!"),
    ("Query", "node", "Node", "id!"),
    ("Query", "__type", "__Type", "name!"),
    ("Query", "__schema", "__Schema", ""),
    ("Node", "id", "ID", ""),
    ("Course", "_id", "ID", ""),
    ("Course", "id", "ID", ""),
    ("Course", "name", "String", ""),
    ("Course", "courseCode", "String", ""),
    ("Course", "state", "CourseWorkflowState", ""),
    ("Course", "createdAt", "DateTime", ""),
    ("Course", "updatedAt", "DateTime", ""),
    (
        "Course",
        "usersConnection",
        "UserConnection",
        "after before first last filter userIds",
    ),
    (
        "Course",
        "sectionsConnection",
        "SectionConnection",
        "after before first last",
    ),
    (
        "Course",
        "groupsConnection",
        "GroupConnection",
        "after before first last",
    ),
    (
        "Course",
        "groupSetsConnection",
        "GroupSetConnection",
        "after before first last",
    ),
    ("User", "_id", "ID", ""),
    ("User", "id", "ID", ""),
    ("User", "name", "String", ""),
    ("User", "shortName", "String", ""),
    ("User", "sortableName", "String", ""),
    ("User", "email", "String", ""),
    ("User", "avatarUrl", "URL", ""),
    ("User", "createdAt", "DateTime", ""),
    ("User", "updatedAt", "DateTime", ""),
    ("Section", "_id", "ID", ""),
    ("Section", "id", "ID", ""),
    ("Section", "name", "String", ""),
    ("Section", "createdAt", "DateTime", ""),
    ("Section", "updatedAt", "DateTime", ""),
    ("Group", "_id", "ID", ""),
    ("Group", "id", "ID", ""),
    ("Group", "name", "String", ""),
    ("GroupSet", "_id", "ID", ""),
    ("GroupSet", "id", "ID", ""),
    ("GroupSet", "name", "String", ""),
    (
        "GroupSet",
        "groupsConnection",
        "GroupConnection",
        "after before first last",
    ),
    ("Discussion", "_id", "ID", ""),
    ("Discussion", "id", "ID", ""),
    ("Discussion", "createdAt", "DateTime", ""),
    ("Discussion", "updatedAt", "DateTime", ""),
    ("PageInfo", "endCursor", "String", ""),
    ("PageInfo", "startCursor", "String", ""),
    ("PageInfo", "hasNextPage", "Boolean", ""),
    ("PageInfo", "hasPreviousPage", "Boolean", ""),
    ("__Schema", "types", "[__Type]", ""),
    ("__Schema", "queryType", "__Type", ""),
    ("__Schema", "mutationType", "__Type", ""),
    ("__Type", "name", "String", ""),
    ("__Type", "kind", "String", ""),
    ("__Type", "fields", "[__Field]", "includeDeprecated"),
    ("__Type", "enumValues", "[__EnumValue]", "includeDeprecated"),
    ("__Type", "ofType", "__Type", ""),
    ("__Field", "name", "String", ""),
    ("__Field", "args", "[__InputValue]", ""),
    ("__Field", "type", "__Type", ""),
    ("__InputValue", "name", "String", ""),
    ("__EnumValue", "name", "String", ""),
];

/// Fields of today.
const NEWER: &[Row] = &[
    ("Course", "sisId", "String", ""),
    (
        "Course",
        "discussionsConnection",
        "DiscussionConnection",
        "after before first last filter",
    ),
    ("Section", "sisId", "String", ""),
    ("User", "sisId", "String", ""),
    ("User", "loginId", "String", ""),
    ("User", "integrationId", "String", ""),
    ("User", "uuid", "String", ""),
    ("User", "pronouns", "String", ""),
    (
        "Group",
        "membersConnection",
        "GroupMembershipConnection",
        "after before first last",
    ),
    ("GroupMembership", "user", "User", ""),
    ("GroupMembership", "_id", "ID", ""),
    ("Discussion", "title", "String", ""),
    ("Discussion", "message", "String", ""),
    ("Discussion", "editedAt", "DateTime", ""),
    ("Discussion", "postedAt", "DateTime", ""),
    ("Discussion", "lastReplyAt", "DateTime", ""),
    ("Discussion", "delayedPostAt", "DateTime", ""),
    ("Discussion", "lockAt", "DateTime", ""),
    ("Discussion", "todoDate", "DateTime", ""),
    ("Discussion", "locked", "Boolean", ""),
    ("Discussion", "published", "Boolean", ""),
    ("Discussion", "isAnnouncement", "Boolean", ""),
    ("Discussion", "anonymousState", "String", ""),
    ("Discussion", "isAnonymousAuthor", "Boolean", ""),
    ("Discussion", "isSectionSpecific", "Boolean", ""),
    ("Discussion", "courseSections", "[Section]", ""),
    ("Discussion", "onlyVisibleToOverrides", "Boolean", ""),
    ("Discussion", "visibleToEveryone", "Boolean", ""),
    ("Discussion", "requireInitialPost", "Boolean", ""),
    (
        "Discussion",
        "initialPostRequiredForCurrentUser",
        "Boolean",
        "",
    ),
    ("Discussion", "contextId", "ID", ""),
    ("Discussion", "contextType", "String", ""),
    ("Discussion", "contextName", "String", ""),
    ("Discussion", "rootTopic", "Discussion", ""),
    ("Discussion", "childTopics", "[Discussion]", ""),
    ("Discussion", "groupSet", "GroupSet", ""),
    (
        "Discussion",
        "discussionType",
        "DiscussionTopicDiscussionType",
        "",
    ),
    (
        "Discussion",
        "author",
        "User",
        "courseId roleTypes builtInOnly",
    ),
    (
        "Discussion",
        "editor",
        "User",
        "courseId roleTypes builtInOnly",
    ),
    ("Discussion", "anonymousAuthor", "AnonymousUser", ""),
    ("Discussion", "attachment", "File", ""),
    ("Discussion", "assignment", "Assignment", ""),
    ("Discussion", "replyToEntryRequiredCount", "Int", ""),
    ("Discussion", "position", "Int", ""),
    ("Discussion", "pinned", "Boolean", ""),
    ("Discussion", "allowRating", "Boolean", ""),
    ("Discussion", "onlyGradersCanRate", "Boolean", ""),
    ("Discussion", "sortByRating", "Boolean", ""),
    ("Discussion", "sortOrder", "DiscussionSortOrderType", ""),
    ("Discussion", "sortOrderLocked", "Boolean", ""),
    ("Discussion", "expanded", "Boolean", ""),
    ("Discussion", "expandedLocked", "Boolean", ""),
    ("Discussion", "subscribed", "Boolean", ""),
    ("Discussion", "entryCounts", "DiscussionEntryCounts", ""),
    ("Discussion", "permissions", "DiscussionPermissions", ""),
    (
        "Discussion",
        "discussionEntriesConnection",
        "DiscussionEntryConnection",
        "after before first last filter rootEntries searchTerm sortOrder unreadBefore userSearchId",
    ),
    ("DiscussionEntryCounts", "repliesCount", "Int", ""),
    ("DiscussionEntryCounts", "deletedCount", "Int", ""),
    ("DiscussionEntryCounts", "unreadCount", "Int", ""),
    ("DiscussionPermissions", "read", "Boolean", ""),
    ("DiscussionPermissions", "reply", "Boolean", ""),
    ("DiscussionPermissions", "update", "Boolean", ""),
    ("DiscussionPermissions", "delete", "Boolean", ""),
    ("DiscussionPermissions", "attach", "Boolean", ""),
    ("DiscussionPermissions", "rate", "Boolean", ""),
    ("DiscussionPermissions", "moderateForum", "Boolean", ""),
    ("DiscussionEntry", "_id", "ID", ""),
    ("DiscussionEntry", "id", "ID", ""),
    ("DiscussionEntry", "discussionTopicId", "ID", ""),
    ("DiscussionEntry", "discussionTopic", "Discussion", ""),
    ("DiscussionEntry", "parentId", "ID", ""),
    ("DiscussionEntry", "rootEntryId", "ID", ""),
    ("DiscussionEntry", "rootEntry", "DiscussionEntry", ""),
    ("DiscussionEntry", "depth", "Int", ""),
    ("DiscussionEntry", "message", "String", ""),
    ("DiscussionEntry", "previewMessage", "String", ""),
    ("DiscussionEntry", "createdAt", "DateTime", ""),
    ("DiscussionEntry", "updatedAt", "DateTime", ""),
    ("DiscussionEntry", "editedAt", "DateTime", ""),
    ("DiscussionEntry", "deleted", "Boolean", ""),
    (
        "DiscussionEntry",
        "author",
        "User",
        "courseId roleTypes builtInOnly",
    ),
    (
        "DiscussionEntry",
        "editor",
        "User",
        "courseId roleTypes builtInOnly",
    ),
    ("DiscussionEntry", "anonymousAuthor", "AnonymousUser", ""),
    ("DiscussionEntry", "attachment", "File", ""),
    ("DiscussionEntry", "ratingCount", "Int", ""),
    ("DiscussionEntry", "ratingSum", "Int", ""),
    ("DiscussionEntry", "subentriesCount", "Int", ""),
    ("DiscussionEntry", "quotedEntry", "DiscussionEntry", ""),
    (
        "DiscussionEntry",
        "pinType",
        "DiscussionEntryPinningType",
        "",
    ),
    (
        "DiscussionEntry",
        "entryParticipant",
        "EntryParticipant",
        "",
    ),
    (
        "DiscussionEntry",
        "permissions",
        "DiscussionEntryPermissions",
        "",
    ),
    (
        "DiscussionEntry",
        "discussionEntryVersions",
        "[DiscussionEntryVersion]",
        "",
    ),
    (
        "DiscussionEntry",
        "discussionSubentriesConnection",
        "DiscussionEntryConnection",
        "after before first last sortOrder",
    ),
    ("DiscussionEntryPermissions", "read", "Boolean", ""),
    ("DiscussionEntryPermissions", "reply", "Boolean", ""),
    ("DiscussionEntryPermissions", "update", "Boolean", ""),
    ("DiscussionEntryPermissions", "delete", "Boolean", ""),
    ("DiscussionEntryPermissions", "rate", "Boolean", ""),
    ("EntryParticipant", "rating", "Boolean", ""),
    ("EntryParticipant", "read", "Boolean", ""),
    ("EntryParticipant", "forcedReadState", "Boolean", ""),
    ("DiscussionEntryVersion", "_id", "ID", ""),
    ("DiscussionEntryVersion", "version", "Int", ""),
    ("DiscussionEntryVersion", "message", "String", ""),
    ("DiscussionEntryVersion", "createdAt", "DateTime", ""),
    ("DiscussionEntryVersion", "updatedAt", "DateTime", ""),
    ("AnonymousUser", "id", "ID", ""),
    ("AnonymousUser", "shortName", "String", ""),
    ("AnonymousUser", "avatarUrl", "String", ""),
    ("File", "_id", "ID", ""),
    ("File", "id", "ID", ""),
    ("File", "displayName", "String", ""),
    ("File", "contentType", "String", ""),
    ("File", "size", "String", ""),
    ("File", "url", "URL", ""),
    ("File", "mimeClass", "String", ""),
    ("File", "createdAt", "DateTime", ""),
    ("File", "updatedAt", "DateTime", ""),
    ("Assignment", "_id", "ID", ""),
    ("Assignment", "id", "ID", ""),
    ("Assignment", "name", "String", ""),
    ("Assignment", "dueAt", "DateTime", ""),
    ("Assignment", "pointsPossible", "Float", ""),
    ("ValidationError", "attribute", "String", ""),
    ("ValidationError", "message", "String", ""),
    (
        "Mutation",
        "createDiscussionEntry",
        "CreateDiscussionEntryPayload",
        "input!",
    ),
    (
        "Mutation",
        "updateDiscussionEntry",
        "UpdateDiscussionEntryPayload",
        "input!",
    ),
    (
        "Mutation",
        "deleteDiscussionEntry",
        "DeleteDiscussionEntryPayload",
        "input!",
    ),
    (
        "Mutation",
        "updateDiscussionEntryParticipant",
        "UpdateDiscussionEntryParticipantPayload",
        "input!",
    ),
    (
        "Mutation",
        "createDiscussionTopic",
        "CreateDiscussionTopicPayload",
        "input!",
    ),
    (
        "Mutation",
        "updateDiscussionTopic",
        "UpdateDiscussionTopicPayload",
        "input!",
    ),
    (
        "Mutation",
        "deleteDiscussionTopic",
        "DeleteDiscussionTopicPayload",
        "input!",
    ),
    (
        "CreateDiscussionEntryPayload",
        "discussionEntry",
        "DiscussionEntry",
        "",
    ),
    (
        "UpdateDiscussionEntryPayload",
        "discussionEntry",
        "DiscussionEntry",
        "",
    ),
    (
        "DeleteDiscussionEntryPayload",
        "discussionEntry",
        "DiscussionEntry",
        "",
    ),
    (
        "DeleteDiscussionEntryPayload",
        "discussionEntryId",
        "ID",
        "",
    ),
    (
        "UpdateDiscussionEntryParticipantPayload",
        "discussionEntry",
        "DiscussionEntry",
        "",
    ),
    (
        "CreateDiscussionTopicPayload",
        "discussionTopic",
        "Discussion",
        "",
    ),
    (
        "UpdateDiscussionTopicPayload",
        "discussionTopic",
        "Discussion",
        "",
    ),
    (
        "DeleteDiscussionTopicPayload",
        "discussionTopicId",
        "ID",
        "",
    ),
];

/// Present only while the restore feature is on.
const RESTORE: &[Row] = &[
    (
        "Mutation",
        "restoreDeletedDiscussionEntry",
        "RestoreDeletedDiscussionEntryPayload",
        "input!",
    ),
    (
        "RestoreDeletedDiscussionEntryPayload",
        "discussionEntry",
        "DiscussionEntry",
        "",
    ),
];

/// What may be asked of `legacyNode`.
pub(crate) const NODE_TYPES: &[&str] = &[
    "Assignment",
    "Course",
    "Discussion",
    "DiscussionEntry",
    "File",
    "Group",
    "GroupSet",
    "Section",
    "User",
];

/// Node types of April 2019.
pub(crate) const OLD_NODE_TYPES: &[&str] = &[
    "Course",
    "Discussion",
    "Group",
    "GroupSet",
    "Section",
    "User",
];

/// Which schema is served.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schema {
    pub has_discussions: bool,
    pub has_restore: bool,
}

/// The element type of a connection, its edge, or nothing.
fn generated(kind: &str, field: &str) -> Option<Row> {
    if let Some(node) = kind.strip_suffix("Connection") {
        return match field {
            "nodes" => Some(("", "nodes", list_of(node)?, "")),
            "edges" => Some(("", "edges", edge_list_of(node)?, "")),
            "pageInfo" => Some(("", "pageInfo", "PageInfo", "")),
            _ => None,
        };
    }
    if let Some(node) = kind.strip_suffix("Edge") {
        return match field {
            "node" => Some(("", "node", list_of(node)?.trim_matches(['[', ']']), "")),
            "cursor" => Some(("", "cursor", "String", "")),
            _ => None,
        };
    }
    (field == "errors" && kind.ends_with("Payload")).then_some((
        "",
        "errors",
        "[ValidationError]",
        "",
    ))
}

const LISTED: &[(&str, &str, &str)] = &[
    ("User", "[User]", "[UserEdge]"),
    ("Section", "[Section]", "[SectionEdge]"),
    ("Group", "[Group]", "[GroupEdge]"),
    ("GroupSet", "[GroupSet]", "[GroupSetEdge]"),
    (
        "GroupMembership",
        "[GroupMembership]",
        "[GroupMembershipEdge]",
    ),
    ("Discussion", "[Discussion]", "[DiscussionEdge]"),
    (
        "DiscussionEntry",
        "[DiscussionEntry]",
        "[DiscussionEntryEdge]",
    ),
];

fn list_of(node: &str) -> Option<&'static str> {
    LISTED
        .iter()
        .find(|(name, ..)| *name == node)
        .map(|(_, list, _)| *list)
}

fn edge_list_of(node: &str) -> Option<&'static str> {
    LISTED
        .iter()
        .find(|(name, ..)| *name == node)
        .map(|(.., edges)| *edges)
}

impl Schema {
    fn rows(self) -> impl Iterator<Item = &'static Row> {
        let newer = if self.has_discussions { NEWER } else { &[] };
        let restore = if self.has_discussions && self.has_restore {
            RESTORE
        } else {
            &[]
        };
        COMMON.iter().chain(newer).chain(restore)
    }

    /// One field of a type.
    pub(crate) fn field(self, kind: &str, field: &str) -> Option<Row> {
        self.rows()
            .find(|(k, f, ..)| *k == kind && *f == field)
            .copied()
            .or_else(|| generated(kind, field))
    }

    /// All fields of a type, sorted by name.
    pub(crate) fn fields(self, kind: &str) -> Vec<Row> {
        let mut rows: Vec<Row> = self.rows().filter(|(k, ..)| *k == kind).copied().collect();
        rows.extend(
            ["nodes", "edges", "pageInfo", "node", "cursor", "errors"]
                .iter()
                .filter_map(|field| generated(kind, field)),
        );
        rows.retain(|(_, f, ..)| !f.starts_with("__"));
        rows.sort_by_key(|(_, f, ..)| *f);
        rows
    }

    /// Whether the type has fields.
    pub(crate) fn is_composite(self, kind: &str) -> bool {
        kind == "Node" || self.rows().any(|(k, ..)| *k == kind) || !self.fields(kind).is_empty()
    }

    /// All composite types.
    pub(crate) fn types(self) -> Vec<&'static str> {
        let mut names: Vec<&str> = self.rows().map(|(k, ..)| *k).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    pub(crate) fn node_types(self) -> &'static [&'static str] {
        if self.has_discussions {
            NODE_TYPES
        } else {
            OLD_NODE_TYPES
        }
    }
}

/// The name inside `[X]`.
pub(crate) fn element(kind: &str) -> &str {
    kind.trim_matches(['[', ']'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_composite_result_type_exists() {
        let schema = Schema {
            has_discussions: true,
            has_restore: true,
        };
        for (kind, field, result, _) in schema.rows() {
            let name = element(result);
            let is_scalar = matches!(
                name,
                "ID" | "String" | "Boolean" | "Int" | "Float" | "DateTime" | "URL"
            ) || name.ends_with("Type") && !name.starts_with("__")
                || name.ends_with("State");
            assert!(
                is_scalar || schema.is_composite(name),
                "{kind}.{field}: {result}"
            );
        }
        assert!(schema.field("DiscussionEntryConnection", "nodes").is_some());
        assert!(
            schema
                .field("DiscussionEdge", "node")
                .is_some_and(|r| r.2 == "Discussion")
        );
    }

    #[test]
    fn the_old_schema_has_no_discussion_content() {
        let old = Schema {
            has_discussions: false,
            has_restore: false,
        };
        assert!(old.field("Discussion", "updatedAt").is_some());
        assert!(old.field("Discussion", "title").is_none());
        assert!(!old.is_composite("DiscussionEntry") && !old.is_composite("Mutation"));
    }
}
