//! Where the description is looser or stricter than servers are, each with the reason.

const NUMBER: &str = "written as a text; recordings have a number";
const SAMPLE: &str = "made from one sample answer; recorded servers of all ages have these fields";
const NULL: &str = "null in recordings where there is nothing to say";
const STAFF: &str = "described for a staff reader; others do not see reviewables";

/// Operation (`*` for all), end of the place in the answer, words of the error, reason.
pub const LOOSE: &[(&str, &str, &str, &str)] = &[
    ("*", "/reply_to_post_number", "is not of types", NUMBER),
    (
        "get /user_actions.json",
        "/post_id",
        "is not of types",
        NUMBER,
    ),
    (
        "get /user_actions.json",
        "/post_type",
        "is not of types",
        NUMBER,
    ),
    (
        "get /user_actions.json",
        "/hidden",
        "is not of types",
        "written as a text; recordings have a flag",
    ),
    (
        "get /user_actions.json",
        "/user_actions/#",
        "reply_to_post_number",
        SAMPLE,
    ),
    ("post /posts.json", "", "reviewable_", STAFF),
    ("post /post_actions.json", "", "reviewable_", STAFF),
    ("put /posts/{id}.json", "/post", "reviewable_", STAFF),
    ("post /posts.json", "", "reply_to_user", SAMPLE),
    (
        "get /t/{id}.json",
        "/post_stream/posts/#",
        "reply_to_user",
        SAMPLE,
    ),
    (
        "get /t/{id}.json",
        "/post_stream/posts/#",
        "link_counts",
        "only posts with links have it",
    ),
    (
        "get /t/{id}.json",
        "/actions_summary/#",
        "'count' was unexpected",
        SAMPLE,
    ),
    (
        "get /t/{id}.json",
        "/post_stream",
        "gaps",
        "only topics with deleted posts have it",
    ),
    (
        "get /t/{id}.json",
        "/details",
        "notifications_reason_id",
        SAMPLE,
    ),
    ("get /t/{id}.json", "", "last_read_post_id", SAMPLE),
    (
        "get /c/{slug}/{id}.json",
        "/bookmarked",
        "is not of types",
        "a flag for readers who took part",
    ),
    (
        "get /c/{slug}/{id}.json",
        "/liked",
        "is not of types",
        "a flag for readers who took part",
    ),
    ("get /c/{slug}/{id}.json", "/last_posted_at", "null", NULL),
    ("get /c/{slug}/{id}.json", "/extras", "null", NULL),
    (
        "get /c/{slug}/{id}.json",
        "/posters/#",
        "flair_group_id",
        SAMPLE,
    ),
    (
        "get /c/{slug}/{id}.json",
        "/topics/#",
        "excerpt",
        "only pinned topics have it",
    ),
    (
        "get /c/{slug}/{id}.json",
        "/topics/#",
        "last_read_post_number",
        SAMPLE,
    ),
    ("get /c/{slug}/{id}.json", "/users/#", "flair_name", SAMPLE),
    ("get /c/{slug}/{id}.json", "", "flair_groups", SAMPLE),
    ("get /latest.json", "/bookmarked", "null", NULL),
    ("get /latest.json", "/liked", "null", NULL),
    ("get /latest.json", "/image_url", "null", NULL),
    ("get /latest.json", "/last_posted_at", "null", NULL),
    ("get /latest.json", "/extras", "null", NULL),
    ("get /top.json", "/bookmarked", "null", NULL),
    ("get /top.json", "/liked", "null", NULL),
    ("get /top.json", "/unpinned", "null", NULL),
    ("get /top.json", "/last_posted_at", "null", NULL),
    ("get /tag/{name}.json", "/extras", "null", NULL),
    (
        "get /topics/private-messages/{username}.json",
        "/bookmarked",
        "null",
        NULL,
    ),
    (
        "get /topics/private-messages/{username}.json",
        "/liked",
        "null",
        NULL,
    ),
    (
        "get /groups/{name}/members.json",
        "/last_seen_at",
        "null",
        NULL,
    ),
    ("get /groups/{name}/members.json", "/timezone", "null", NULL),
    (
        "get /groups/{name}/members.json",
        "/members/#",
        "flair_name",
        SAMPLE,
    ),
    ("get /u/{username}.json", "/featured_topic", "null", NULL),
    (
        "get /u/by-external/{external_id}.json",
        "/featured_topic",
        "null",
        NULL,
    ),
    (
        "get /search.json",
        "",
        "'topics' was unexpected",
        "the sample search found nothing",
    ),
    (
        "get /site.json",
        "",
        "is a required property",
        "tables for the front end are left out here",
    ),
];

/// The entry that excuses an error.
pub fn find(operation: &str, place: &str, error: &str) -> Option<usize> {
    LOOSE.iter().position(|(wanted, end, words, _)| {
        let there = if end.is_empty() {
            place.is_empty()
        } else {
            place.ends_with(end)
        };
        (*wanted == "*" || *wanted == operation) && there && error.contains(words)
    })
}
