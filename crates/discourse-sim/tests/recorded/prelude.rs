//! What happened on the recorded server between the recordings: content made without a file, and
//! settings that were changed. Texts come from later recordings where these show them.

/// One unrecorded step, done before the recording of the number.
pub enum Step {
    /// A topic: recorded topic id, recorded id of its first post, author, category, title, external id.
    Topic(i64, i64, &'static str, i64, &'static str, &'static str),
    /// A reply: recorded post id, topic, author, number answered (0: none).
    Reply(i64, i64, &'static str, i64),
    /// A reply of a given text, made with `skip_validations`.
    Text(i64, i64, &'static str, &'static str),
    /// The text that a recorded post is to be made with.
    Raw(i64, &'static str),
    /// Many replies: first recorded id, how many, topic; authors in turn.
    Replies(i64, i64, i64),
    /// A category: recorded id and name.
    Category(i64, &'static str),
    /// A user by name, with a trust level.
    User(&'static str, i64),
    /// A call of the control API.
    Sim(&'static str, &'static str, &'static str),
    /// A request by `admin1`, with ids of the recorded server.
    Admin(&'static str, &'static str, &'static str),
    /// A request by a named user.
    As(&'static str, &'static str, &'static str, &'static str),
}

use Step::{Admin, As, Category, Raw, Replies, Reply, Sim, Text, Topic, User};

/// Steps by the number they come before.
pub const STEPS: &[(&str, &[Step])] = &[
    (
        "001",
        &[
            User("carol", 2),
            Sim(
                "PUT",
                "settings",
                r#"{"rate_limit_create_post":0,"rate_limit_create_topic":0,"whispers_enabled":false,"enable_discourse_connect":false}"#,
            ),
            Sim("PUT", "webhooks/faults", r#"{"held":true}"#),
        ],
    ),
    (
        "006",
        &[
            Sim("PUT", "limits", r#"{"admin_limit_per_minute":1}"#),
            Admin("GET", "/latest.json", ""),
            Sim("PUT", "clock", r#"{"advance_s":37}"#),
        ],
    ),
    (
        "010",
        &[Sim("PUT", "limits", r#"{"admin_limit_per_minute":null}"#)],
    ),
    ("231", &[Replies(56, 50, 27)]),
    (
        "300",
        &[Sim("PUT", "settings", r#"{"max_topics_per_day":1000}"#)],
    ),
    ("408", &[]),
    ("417", &[Reply(145, 49, "admin1", 0)]),
    (
        "429",
        &[
            Category(19, "Live two 364189"),
            Topic(
                57,
                224,
                "admin1",
                18,
                "Replay cache study 364286",
                "race-0-364286",
            ),
        ],
    ),
    ("441", &[Admin("DELETE", "/posts/227.json", "")]),
    (
        "443",
        &[Sim(
            "PUT",
            "settings",
            r#"{"min_post_length":1,"body_min_entropy":0}"#,
        )],
    ),
    ("445", &[]),
    (
        "446",
        &[
            Reply(232, 57, "admin1", 0),
            Sim(
                "PUT",
                "settings",
                r#"{"min_post_length":20,"body_min_entropy":7}"#,
            ),
        ],
    ),
    (
        "458",
        &[Text(237, 57, "bob", "Guard study body number one 364286")],
    ),
    (
        "466",
        &[Topic(
            120,
            238,
            "admin1",
            18,
            "Grace and normalisation 364373",
            "",
        )],
    ),
    (
        "486",
        &[Text(
            240,
            120,
            "alice",
            "The last reply of the topic 364373",
        )],
    ),
    (
        "488",
        &[
            Replies(241, 18, 120),
            Text(259, 120, "admin1", "only blanks differ in this text 364373"),
        ],
    ),
    (
        "493",
        &[
            Topic(143, 282, "admin1", 18, "Mention study 364618", ""),
            Replies(283, 19, 143),
        ],
    ),
    (
        "520",
        &[
            Topic(149, 321, "alice", 18, "Move source topic 365214", ""),
            Reply(322, 149, "bob", 0),
            Reply(323, 149, "alice", 2),
            Reply(324, 149, "bob", 3),
            Reply(325, 149, "alice", 0),
            Topic(150, 326, "alice", 18, "Move destination topic 365214", ""),
            Reply(327, 150, "bob", 0),
            Text(
                328,
                150,
                "alice",
                "[quote=\"bob, post:4, topic:149\"]\nReply four in A, answers three 365214\n[/quote]\n\nA quote of a post that moves 365214",
            ),
        ],
    ),
    (
        "530",
        &[
            Topic(
                152,
                332,
                "alice",
                18,
                "Merge source topic 365214",
                "merge-365214",
            ),
            Reply(333, 152, "bob", 0),
        ],
    ),
    (
        "540",
        &[Topic(
            153,
            337,
            "alice",
            18,
            "Status study topic 365214",
            "",
        )],
    ),
    ("558", &[Reply(348, 153, "bob", 0)]),
    ("568", &[Admin("DELETE", "/posts/348.json", "")]),
    (
        "575",
        &[
            User("st0_365396", 0),
            User("st1_365396", 0),
            User("st2_365396", 0),
        ],
    ),
    (
        "613",
        &[Topic(
            156,
            351,
            "st1_365396",
            18,
            "Open topic to be moved 365396",
            "",
        )],
    ),
    (
        "625",
        &[Sim(
            "PUT",
            "settings",
            r#"{"authorized_extensions":"jpg|jpeg|png|gif|heic|heif|webp|txt|pdf"}"#,
        )],
    ),
    (
        "640",
        &[Sim(
            "PUT",
            "settings",
            r#"{"enable_discourse_connect":true}"#,
        )],
    ),
    (
        "654",
        &[Topic(
            157,
            354,
            "admin1",
            18,
            "External id study 365522",
            "",
        )],
    ),
    (
        "659",
        &[Sim(
            "PUT",
            "settings",
            r#"{"enable_discourse_connect":false}"#,
        )],
    ),
    (
        "670",
        &[
            Category(23, "Lists 365578"),
            Sim("PUT", "settings", r#"{"max_topics_per_day":0}"#),
        ],
    ),
    (
        "672",
        &[
            Sim("PUT", "settings", r#"{"max_topics_per_day":1000}"#),
            Raw(369, "List study first post number 2 365578"),
            Topic(
                169,
                367,
                "admin1",
                23,
                "List study topic number 0 renamed 365578",
                "",
            ),
            Topic(
                170,
                368,
                "admin1",
                23,
                "List study topic number 1 365578",
                "",
            ),
            Topic(
                171,
                369,
                "admin1",
                23,
                "List study topic number 2 365578",
                "",
            ),
            Text(370, 169, "bob", "List study reply 0 not edited yet 365578"),
            Reply(371, 170, "bob", 0),
            Reply(372, 171, "bob", 0),
            Reply(373, 169, "bob", 0),
            Admin(
                "PUT",
                "/posts/370.json",
                r#"{"post":{"raw":"List study reply 0 edited by admin 365578"}}"#,
            ),
            Admin(
                "PUT",
                "/t/170/status.json",
                r#"{"status":"closed","enabled":"true"}"#,
            ),
            As(
                "system",
                "PUT",
                "/posts/369.json",
                r#"{"post":{"raw":"List study first post number 2, by system 365578"}}"#,
            ),
            As("bob", "DELETE", "/posts/372.json", ""),
            Admin(
                "PUT",
                "/t/171/status.json",
                r#"{"status":"visible","enabled":"false"}"#,
            ),
        ],
    ),
    (
        "676",
        &[
            Admin("DELETE", "/posts/373.json", ""),
            Admin(
                "PUT",
                "/t/171/status.json",
                r#"{"status":"visible","enabled":"true"}"#,
            ),
        ],
    ),
    ("693", &[Admin("PUT", "/posts/373/recover.json", "")]),
    ("697", &[Replies(379, 2, 169)]),
    (
        "702",
        &[Text(
            383,
            169,
            "alice",
            "A short post that will be quoted in full 365578",
        )],
    ),
    ("703", &[Sim("PUT", "clock", r#"{"advance_s":6}"#)]),
    (
        "721",
        &[
            Admin(
                "POST",
                "/admin/api/web_hooks.json#8",
                r#"{"web_hook":{"payload_url":"http://127.0.0.1:13998/fail-500","secret":"hook-secret-1234","web_hook_event_type_ids":[2],"active":true,"verify_certificate":false}}"#,
            ),
            Admin(
                "POST",
                "/admin/api/web_hooks.json#9",
                r#"{"web_hook":{"payload_url":"http://127.0.0.1:13998/fail-slow","secret":"hook-secret-1234","web_hook_event_type_ids":[2],"active":true,"verify_certificate":false}}"#,
            ),
            Admin(
                "POST",
                "/admin/api/web_hooks.json#10",
                r#"{"web_hook":{"payload_url":"http://127.0.0.1:13998/fail-410","secret":"hook-secret-1234","web_hook_event_type_ids":[2],"active":true,"verify_certificate":false}}"#,
            ),
            Admin(
                "POST",
                "/admin/api/web_hooks.json#11",
                r#"{"web_hook":{"payload_url":"http://127.0.0.1:13998/fail-404","secret":"hook-secret-1234","web_hook_event_type_ids":[2],"active":true,"verify_certificate":false}}"#,
            ),
            Admin(
                "POST",
                "/admin/api/web_hooks.json#12",
                r#"{"web_hook":{"payload_url":"http://127.0.0.1:13997/closed","secret":"hook-secret-1234","web_hook_event_type_ids":[2],"active":true,"verify_certificate":false}}"#,
            ),
            Admin(
                "PUT",
                "/posts/40.json",
                r#"{"post":{"raw":"An edit that the failing receivers hear about"}}"#,
            ),
        ],
    ),
    (
        "740",
        &[
            Topic(172, 385, "admin1", 18, "Second merge source 365694", ""),
            Reply(386, 172, "bob", 0),
            Topic(
                173,
                387,
                "admin1",
                18,
                "Second merge destination 365694",
                "",
            ),
        ],
    ),
    (
        "743",
        &[
            Topic(
                174,
                391,
                "admin1",
                18,
                "Third move source of the study 365694",
                "",
            ),
            Reply(392, 174, "bob", 0),
        ],
    ),
    ("744", &[Text(395, 173, "bob", "Yes")]),
    (
        "751",
        &[Sim("PUT", "settings", r#"{"max_topics_per_day":0}"#)],
    ),
    (
        "752",
        &[Sim("PUT", "settings", r#"{"max_topics_per_day":500}"#)],
    ),
    (
        "753",
        &[Text(399, 173, "bob", "A post whose owner changes 365694")],
    ),
    (
        "755",
        &[
            User("stg365694", 0),
            Sim(
                "PUT",
                "users/stg365694",
                r#"{"staged":true,"active":false}"#,
            ),
        ],
    ),
    (
        "756",
        &[Sim("PUT", "users/stg365694", r#"{"active":true}"#)],
    ),
    ("757", &[Category(24, "Par 365694")]),
    (
        "759",
        &[
            Text(404, 173, "bob", "A post that is hidden by flags 365694"),
            Sim("PUT", "posts/404/hidden", r#"{"enabled":true}"#),
        ],
    ),
    (
        "765",
        &[
            User("ren365694", 0),
            Text(
                406,
                173,
                "bob",
                "Hello @ren365694 and others of the study 365694",
            ),
        ],
    ),
    (
        "776",
        &[Topic(
            183,
            410,
            "admin1",
            27,
            "Approval study topic 365793",
            "",
        )],
    ),
];
