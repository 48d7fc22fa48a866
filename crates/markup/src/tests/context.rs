//! Conversions that know people, files and hosts.

use crate::context::{File, Need, User};
use crate::{
    Context, canonical_html, canonical_markdown, canvas_to_discourse, discourse_to_canvas,
};

fn ctx() -> Context {
    let mut ctx = Context::default();
    ctx.hosts.canvas = "https://canvas.example.edu".to_owned();
    ctx.hosts.discourse = "https://forum.example.edu".to_owned();
    ctx.users.insert(
        "42".to_owned(),
        User {
            username: "Ann_L".to_owned(),
            name: "Ann Lee".to_owned(),
        },
    );
    ctx.files.insert(
        "5".to_owned(),
        File {
            upload: "upload://abc.png".to_owned(),
            path: "/courses/1/files/5".to_owned(),
            name: "a.png".to_owned(),
        },
    );
    ctx
}

fn both(html: &str, raw: &str) {
    let ctx = ctx();
    assert_eq!(canvas_to_discourse(html, &ctx).text, raw);
    assert_eq!(discourse_to_canvas(raw, &ctx).text, html);
    assert_eq!(canonical_html(html, &ctx), canonical_markdown(raw, &ctx));
}

#[test]
fn a_known_person_is_mentioned_on_both_sides() {
    both(
        "<p>hi <span class=\"mceNonEditable mention\" data-mention=\"42\" data-reactroot=\"\">@Ann Lee</span>, x</p>",
        "hi @Ann_L, x",
    );
    let ctx = ctx();
    let renamed = "<p>hi <span class=\"mention\" data-mention=\"42\">@Ann Other</span>, x</p>";
    assert_eq!(
        canonical_html(renamed, &ctx),
        canonical_markdown("hi @ann_l, x", &ctx)
    );
    let touching = "<p>(<span class=\"mention\" data-mention=\"42\">@Ann</span>s)</p>";
    assert_eq!(canvas_to_discourse(touching, &ctx).text, "(@Ann_L s)");
}

#[test]
fn an_unknown_person_is_no_mention_and_is_asked_for() {
    let mut ctx = ctx();
    let html = "<p><span class=\"mention\" data-mention=\"7\">@Bob</span></p>";
    let carried = canvas_to_discourse(html, &ctx).text;
    assert_eq!(carried, "<span data-mention=\"7\">Bob</span>");
    ctx.is_stored = true;
    let output = canvas_to_discourse(html, &ctx);
    assert_eq!(output.text, "Bob");
    let written = canvas_to_discourse(&discourse_to_canvas(&carried, &ctx).text, &ctx).text;
    assert_eq!(written, "Bob", "what anybody can write names nobody");
    assert_eq!(output.needs, [Need::CanvasUser("7".to_owned())]);
    let output = discourse_to_canvas("@bob", &ctx);
    assert_eq!(
        output.text,
        "<p><span data-dsc-mention=\"bob\">@bob</span></p>"
    );
    assert_eq!(output.needs, [Need::DiscourseUser("bob".to_owned())]);
}

#[test]
fn a_known_file_is_the_same_file_on_both_sides() {
    both(
        "<p><img src=\"/courses/1/files/5/preview\" alt=\"a\" width=\"10\" height=\"20\"></p>",
        "![a|10x20](upload://abc.png)",
    );
    both(
        "<p><a class=\"instructure_file_link\" href=\"/courses/1/files/5/download?wrap=1\">a.png</a> x</p>",
        "[a.png|attachment](upload://abc.png) x",
    );
    let ctx = ctx();
    let read = "<p><img src=\"https://canvas.example.edu/courses/1/files/5/preview?verifier=v\" alt=\"a\" width=\"10\" height=\"20\" data-api-endpoint=\"x\"></p>";
    assert_eq!(
        canonical_html(read, &ctx),
        canonical_markdown("![a|10x20](upload://abc.png)", &ctx)
    );
}

#[test]
fn an_unknown_file_is_asked_for_and_kept_as_a_link() {
    let ctx = ctx();
    let output = canvas_to_discourse(
        "<p><img src=\"/courses/1/files/9/preview\" alt=\"x\"></p>",
        &ctx,
    );
    assert_eq!(
        output.text,
        "![x](https://canvas.example.edu/courses/1/files/9/preview)"
    );
    assert_eq!(output.needs, [Need::CanvasFile("9".to_owned())]);
    let output = discourse_to_canvas("![x](upload://zzz.png)", &ctx);
    assert_eq!(
        output.text,
        "<p><img data-dsc-src=\"upload://zzz.png\" alt=\"x\"></p>"
    );
    assert_eq!(
        output.needs,
        [Need::DiscourseUpload("upload://zzz.png".to_owned())]
    );
    assert_eq!(
        canvas_to_discourse(&output.text, &ctx).text,
        "![x](upload://zzz.png)"
    );
}

#[test]
fn own_links_get_the_host_on_the_other_side() {
    both(
        "<p><a href=\"/courses/1/pages/x\">p</a></p>",
        "[p](https://canvas.example.edu/courses/1/pages/x)",
    );
    both(
        "<p><a href=\"https://forum.example.edu/t/1\">t</a></p>",
        "[t](https://forum.example.edu/t/1)",
    );
}

#[test]
fn without_breaks_a_newline_is_a_blank() {
    let mut ctx = Context::default();
    ctx.settings.breaks = false;
    assert_eq!(
        discourse_to_canvas("a\nb\\\nc", &ctx).text,
        "<p>a b<br>c</p>"
    );
    assert_eq!(
        canvas_to_discourse("<p>a b<br>c</p>", &ctx).text,
        "a b\\\nc"
    );
}

#[test]
fn a_link_to_a_mirrored_item_points_at_its_mirror() {
    let mut ctx = ctx();
    ctx.posts.insert(
        "/t/topic/7".to_owned(),
        "/courses/1/discussion_topics/9".to_owned(),
    );
    let html = "<p><a href=\"/courses/1/discussion_topics/9\">t</a></p>";
    let raw = "[t](https://forum.example.edu/t/topic/7)";
    assert_eq!(canvas_to_discourse(html, &ctx).text, raw);
    assert_eq!(discourse_to_canvas(raw, &ctx).text, html);
    assert_eq!(discourse_to_canvas("[t](/t/topic/7)", &ctx).text, html);
    assert_eq!(
        canonical_html(html, &ctx),
        canonical_markdown("[t](/t/topic/7)", &ctx)
    );
    let bare = discourse_to_canvas("https://forum.example.edu/t/topic/7", &ctx).text;
    assert_eq!(
        canvas_to_discourse(&bare, &ctx).text,
        "https://forum.example.edu/t/topic/7"
    );
}

#[test]
fn any_address_of_a_mirrored_topic_is_its_mirror() {
    let mut ctx = ctx();
    ctx.posts.insert(
        "/t/7".to_owned(),
        "/courses/1/discussion_topics/9".to_owned(),
    );
    let host = ctx.hosts.discourse.clone();
    for path in ["/t/7", "/t/a-slug/7", "/t/a-slug/7/1", "/t/a-slug/7/"] {
        let html = discourse_to_canvas(&format!("[x]({host}{path})"), &ctx).text;
        assert_eq!(
            html, "<p><a href=\"/courses/1/discussion_topics/9\">x</a></p>",
            "{path}"
        );
        assert_eq!(
            canvas_to_discourse(&html, &ctx).text,
            format!("[x]({host}/t/7)")
        );
    }
    for path in [
        "/t/a-slug/8",
        "/t/a-slug/7/3",
        "/t/7/3",
        "/p/7",
        "/t/a-slug",
    ] {
        let raw = format!("[x]({host}{path})");
        let html = discourse_to_canvas(&raw, &ctx).text;
        assert_eq!(canvas_to_discourse(&html, &ctx).text, raw, "another place");
    }
}

#[test]
fn a_name_of_signs_alone_is_no_name() {
    let ctx = Context::default();
    let html = "<p><span data-mention=\"7\">@ \u{2060}@@</span></p>";
    let raw = canvas_to_discourse(html, &ctx).text;
    assert!(!raw.contains("data-mention"), "{raw}");
    let back = discourse_to_canvas(&raw, &ctx).text;
    assert_eq!(canvas_to_discourse(&back, &ctx).text, raw);
}

/// A context in which post 3 of topic 7, and the topic itself, are mirrored.
fn mirrored() -> Context {
    let mut ctx = ctx();
    ctx.posts.insert("/t/7", "/courses/1/discussion_topics/9");
    for page in ["/p/35", "/t/7/3"] {
        let entry = "/courses/1/discussion_topics/9?entry_id=33";
        ctx.posts.insert(page, entry);
    }
    ctx
}

#[test]
fn a_link_to_a_single_post_leads_to_its_mirror() {
    let ctx = mirrored();
    let html = "<p><a href=\"/courses/1/discussion_topics/9?entry_id=33\">x</a></p>";
    let raw = "[x](https://forum.example.edu/t/7/3)";
    for path in [
        "/t/7/3",
        "/t/a-slug/7/3",
        "/t/7/3/",
        "/p/35",
        "/p/35/2",
        "/t/a-slug/7/3?u=bob",
    ] {
        let found =
            discourse_to_canvas(&format!("[x](https://forum.example.edu{path})"), &ctx).text;
        assert_eq!(found, html, "{path}");
    }
    for path in [
        "?entry_id=33",
        "#entry-33",
        "?module_item_id=4&amp;entry_id=33",
        "?entry_id=33#entry-33",
    ] {
        for host in ["", "https://canvas.example.edu"] {
            let link =
                format!("<p><a href=\"{host}/courses/1/discussion_topics/9{path}\">x</a></p>");
            assert_eq!(canvas_to_discourse(&link, &ctx).text, raw, "{link}");
            assert_eq!(canonical_html(&link, &ctx), canonical_markdown(raw, &ctx));
        }
    }
    let whole = "<p><a href=\"/courses/1/discussion_topics/9\">x</a></p>";
    assert_eq!(
        canvas_to_discourse(whole, &ctx).text,
        "[x](https://forum.example.edu/t/7)"
    );
    for other in [
        "?entry_id=34",
        "#entry-x",
        "/entries/33",
        "?entry_id=33&amp;a=b",
    ] {
        let link = format!("<p><a href=\"/courses/1/discussion_topics/9{other}\">x</a></p>");
        let raw = canvas_to_discourse(&link, &ctx).text;
        assert!(raw.contains("canvas.example.edu"), "{raw}");
        assert_eq!(discourse_to_canvas(&raw, &ctx).text, link);
    }
}

#[test]
fn a_quotation_of_a_mirrored_post_names_and_links_it() {
    let ctx = mirrored();
    let link = "<a href=\"/courses/1/discussion_topics/9?entry_id=33\">Ann Lee</a>";
    for (source, by) in [
        ("ann_l, post:3, topic:7", link.to_owned()),
        ("ann_l, post:3, topic:7, full:true", link.to_owned()),
        (
            "Lee, Ann, post:3, topic:7, username:ann_l",
            link.replace("Ann Lee", "Lee, Ann"),
        ),
        (
            "bob, post:1, topic:7",
            "<a href=\"/courses/1/discussion_topics/9\">bob</a>".to_owned(),
        ),
        ("bob, post:4, topic:7", "bob".to_owned()),
        ("bob", "bob".to_owned()),
        ("ann_l, post:x, topic:7", "Ann Lee".to_owned()),
    ] {
        let raw = format!("[quote=\"{source}\"]\nwords\n[/quote]\n\nmine");
        let html = format!(
            "<blockquote data-dsc-quote=\"{source}\"><p data-dsc-by=\"1\">{by} wrote:</p><p>words</p></blockquote>\n\
             <p>mine</p>"
        );
        assert_eq!(discourse_to_canvas(&raw, &ctx).text, html);
        assert_eq!(canvas_to_discourse(&html, &ctx).text, raw);
        let nothing = Context::default();
        assert_eq!(canvas_to_discourse(&html, &nothing).text, raw);
        assert_eq!(canonical_html(&html, &ctx), canonical_markdown(&raw, &ctx));
    }
}

#[test]
fn what_lets_anybody_read_a_file_never_leaves() {
    let ctx = ctx();
    for path in [
        "/courses/1/files/9/preview",
        "/files/9",
        "/users/3/files/9/download",
        "/groups/2/files/9",
    ] {
        for query in [
            "verifier=SECRET",
            "wrap=1&amp;verifier=SECRET",
            "verifier=SECRET&amp;x=1#f",
        ] {
            for host in ["", "https://canvas.example.edu"] {
                for html in [
                    format!("<p><a href=\"{host}{path}?{query}\">x</a></p>"),
                    format!("<p><img src=\"{host}{path}?{query}\" alt=\"x\"></p>"),
                    format!("<p><iframe src=\"{host}{path}?{query}\"></iframe></p>"),
                ] {
                    let raw = canvas_to_discourse(&html, &ctx).text;
                    assert!(
                        raw.contains("/9") && !raw.contains("SECRET"),
                        "{html} became {raw}"
                    );
                    let back = discourse_to_canvas(&raw, &ctx).text;
                    assert_eq!(canvas_to_discourse(&back, &ctx).text, raw);
                }
            }
        }
    }
}
