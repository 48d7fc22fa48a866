//! Nothing that could run, load or mislead leaves the crate (contract markup §10).

use html5ever::tendril::TendrilSink;
use html5ever::{ParseOpts, QualName, local_name, ns, parse_fragment};
use markup::{Context, canvas_to_discourse, discourse_to_canvas, sanitise};
use markup5ever_rcdom::{Handle, NodeData, RcDom};
use proptest::prelude::*;

/// Payloads in the manner of the public cheat sheets, and some of our own.
const PAYLOADS: &[&str] = &[
    "<script>alert(1)</script>",
    "<ScRiPt src=//e.org/x.js></ScRiPt>",
    "<img src=x onerror=alert(1)>",
    "<img src=\"x\" onerror=\"alert(1)\" onload='x'>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><a xlink:href=\"javascript:alert(1)\"><text>x</text></a></svg>",
    "<svg><animate attributeName=href values=javascript:alert(1) /></svg>",
    "<math><a xlink:href=\"javascript:alert(1)\">x</a></math>",
    "<math href=\"javascript:alert(1)\"><mi>x</mi></math>",
    "<math><annotation-xml encoding=\"text/html\"><img src=x onerror=alert(1)></annotation-xml></math>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<a href=\"javascript:alert(1)\">x</a>",
    "<a href=\" javascript:alert(1)\">x</a>",
    "<a href=\"java\nscript:alert(1)\">x</a>",
    "<a href=\"java&#9;script:alert(1)\">x</a>",
    "<a href=\"&#106;avascript:alert(1)\">x</a>",
    "<a href=\"&#x6A&#x61vascript:alert(1)\">x</a>",
    "<a href=\"JAVASCRIPT:alert(1)\">x</a>",
    "<a href=\"javascript&colon;alert(1)\">x</a>",
    "<a href=\"\u{1}javascript:alert(1)\">x</a>",
    "<a href=\"java\u{200b}script:alert(1)\">x</a>",
    "<a href=\"data:text/html,<script>alert(1)</script>\">x</a>",
    "<a href=\"vbscript:x\">x</a>",
    "<a href=\"//e.org\" ping=\"https://e.org\" onclick=x>x</a>",
    "<iframe src=\"javascript:alert(1)\"></iframe>",
    "<iframe srcdoc=\"<script>alert(1)</script>\"></iframe>",
    "<iframe src=\"data:text/html,x\"></iframe>",
    "<object data=\"javascript:alert(1)\"></object>",
    "<object data=\"data:text/html;base64,AAAA\"></object>",
    "<embed src=\"javascript:alert(1)\">",
    "<video src=\"javascript:x\" poster=\"javascript:x\" onplay=x></video>",
    "<video><source onerror=alert(1) src=x></video>",
    "<audio src=\"data:text/html,x\"></audio>",
    "<img src=\"data:image/svg+xml,<svg onload=alert(1)>\">",
    "<img srcset=\"javascript:x 1x\">",
    "<picture><source srcset=\"data:text/html,x\"></picture>",
    "<p style=\"background:url(javascript:alert(1))\">x</p>",
    "<p style=\"width:expression(alert(1))\">x</p>",
    "<p style=\"-moz-binding:url(x)\">x</p>",
    "<p style=\"behavior:url(x.htc)\">x</p>",
    "<p style=\"color:red;background:\\75rl(x)\">x</p>",
    "<p style=\"position:fixed;background:u/**/rl(x)\">x</p>",
    "<style>@import 'javascript:x';</style>",
    "<link rel=stylesheet href=x>",
    "<meta http-equiv=refresh content=\"0;url=javascript:x\">",
    "<base href=\"javascript:x//\">",
    "<form action=\"javascript:x\"><input type=submit><button formaction=\"javascript:x\">x</button></form>",
    "<input autofocus onfocus=alert(1)>",
    "<select autofocus onfocus=alert(1)><option>x</select>",
    "<textarea onfocus=alert(1) autofocus>",
    "<keygen autofocus onfocus=alert(1)>",
    "<details open ontoggle=alert(1)><summary>x</summary></details>",
    "<body onload=alert(1)>",
    "<table background=\"javascript:x\"><td background=\"javascript:x\">x</table>",
    "<blockquote cite=\"javascript:x\">x</blockquote>",
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
    "<textarea><p title=\"</textarea><img src=x onerror=alert(1)>\">",
    "<title><p title=\"</title><img src=x onerror=alert(1)>\">",
    "<xmp><p title=\"</xmp><img src=x onerror=alert(1)>\">",
    "<template><img src=x onerror=alert(1)></template>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<!--[if gte IE 4]><script>alert(1)</script><![endif]-->",
    "<![CDATA[<img src=x onerror=alert(1)>]]>",
    "<?xml version=\"1.0\"?><x:script xmlns:x=\"http://www.w3.org/1999/xhtml\">alert(1)</x:script>",
    "<<img src=x onerror=alert(1)//",
    "<img src=x:x onerror=alert(1)",
    "<img/src=x/onerror=alert(1)>",
    "<img \"\"\"><script>alert(1)</script>\">",
    "<a title=\"'><img src=x onerror=alert(1)>\">x</a>",
    "<div data-dsc-opaque=\"[poll]\n<script>alert(1)</script>\n[/poll]\">x</div>",
    "<blockquote data-dsc-quote='x\"]<script>alert(1)</script>'>y</blockquote>",
    "<span data-dsc-mention='a\" onclick=\"x'>@a</span>",
    "<img data-equation-content='\"><script>alert(1)</script>' class=equation_image>",
    "<p data-method=delete data-remote=true>x</p>",
    "[x](javascript:alert(1))",
    "[x](<javascript:alert(1)>)",
    "[x](java&#115;cript:alert(1))",
    "[x](&#1;javascript:alert(1))",
    "[x]: javascript:alert(1)\n\n[x]",
    "<javascript:alert(1)>",
    "![x](javascript:alert(1))",
    "![x](x \"t\" onerror=alert(1))",
    "![\"onerror=\"alert(1)](x)",
    "[url=javascript:alert(1)]x[/url]",
    "[url]javascript:alert(1)[/url]",
    "[img]javascript:alert(1)[/img]",
    "[quote=\"<script>alert(1)</script>\"]\nx\n[/quote]",
    "[details=\"<img src=x onerror=alert(1)>\"]\nx\n[/details]",
    "```x\"><script>alert(1)</script>\ny\n```",
    "$<script>alert(1)</script>$",
    "$$\n</div><script>alert(1)</script>\n$$",
    "`<script>`<script>alert(1)</script>",
    "[date=\"><script>alert(1)</script>]",
    "@<script>alert(1)</script>",
];

/// Payloads of our own: against this converter's carriers, its maps of addresses, its fast paths and the seams between
/// its readers.
const OWN: &[&str] = &[
    "<ruby>x<rt onclick=alert(1)><s<ruby>x<rt onclick=alert(1)><script>alert(1)</script></rt></ruby>",
    "<blockquote data-dsc-quote=\"a, post:1, topic:1\"><p data-dsc-by=\"1\"><img src=x onerror=alert(1)></p>y</blockquote>",
    "<blockquote data-dsc-quote=\"<img src=x onerror=alert(1)>\">y</blockquote>",
    "<blockquote data-dsc-quote=\"a[/quote]&#10;<script>alert(1)</script>\">y</blockquote>",
    "<blockquote data-dsc-quote=\"a, post:1&quot; onclick=&quot;x, topic:1\">y</blockquote>",
    "<p data-dsc-by=\"1\"><a href=\"javascript:alert(1)\">x</a></p>",
    "<span data-dsc-opaque=\"<script>alert(1)</script>\">x</span>",
    "<span data-dsc-opaque=\"[date=2026-01-01]&quot;><svg onload=alert(1)>\">x</span>",
    "<div data-dsc-opaque=\"[poll]&#10;* <img src=x onerror=alert(1)>&#10;[/poll]\">x</div>",
    "<div data-dsc-opaque=\"[wrap=x]&#10;[url=javascript:alert(1)]x[/url]&#10;[/wrap]\">x</div>",
    "<img data-dsc-src=\"javascript:alert(1)\" alt=x>",
    "<img data-dsc-src=\"upload://x.png&quot; onerror=&quot;alert(1)\" alt=x>",
    "<img data-dsc-src=\"upload://../../x.png\" alt=x>",
    "<img data-dsc-src=\"data:image/svg+xml,<svg onload=alert(1)>\">",
    "<a data-dsc-href=\"javascript:alert(1)\">x</a>",
    "<a data-dsc-href=\"upload://x.pdf)[y](javascript:alert(1)\">x</a>",
    "<a data-dsc-media=\"video\" href=\"javascript:alert(1)\">x</a>",
    "<img data-dsc-size=\"1x1](javascript:alert(1))\" src=\"/x.png\">",
    "<img data-dsc-extra=\"|onerror=alert(1)\" src=\"/x.png\" alt=\"a\">",
    "<img data-dsc-extra=\"](x)<script>alert(1)</script>\" src=\"/x.png\" alt=\"a\">",
    "<span data-dsc-emoji=\"x:<script>alert(1)</script>\">:x:</span>",
    "<span data-dsc-hashtag=\"x<script>alert(1)</script>\">#x</span>",
    "<span data-dsc-check=\"x]<script>alert(1)</script>[\">☑</span>",
    "<div data-dsc-fn=\"1]: <script>alert(1)</script>\">n</div>",
    "<sup data-dsc-fn=\"&quot;><script>alert(1)</script>\">1</sup>",
    "<details data-dsc-spoiler=\"1\"><summary><script>alert(1)</script></summary><img src=x onerror=alert(1)></details>",
    "<details><summary>&quot;]<script>alert(1)</script></summary>x</details>",
    "<span data-mention=\"1&quot; onclick=&quot;alert(1)\">@x</span>",
    "<span data-mention=\"7\">@<img src=x onerror=alert(1)></span>",
    "<span data-mention=\"7\">@[x](javascript:alert(1))</span>",
    "<p data-antiphon-author=\"<script>alert(1)</script>\"><em><script>alert(1)</script> wrote in Canvas:</em></p>",
    "<img class=equation_image data-equation-content=\"$</p><script>alert(1)</script>$\">",
    "<img class=equation_image data-equation-content=\"\\href{javascript:alert(1)}{x}\" alt=\"LaTeX: x\">",
    "<img class=equation_image src=\"/equation_images/%2522onerror%253Dalert(1)\" alt='LaTeX: \" onerror=alert(1)'>",
    "<math><semantics><mi>x</mi><annotation encoding=\"application/x-tex\"></math><script>alert(1)</script></annotation></semantics></math>",
    "<math><mi xlink:href=\"javascript:alert(1)\" href=\"javascript:alert(1)\">x</mi></math>",
    "<math><mtext></mtext><mglyph><svg><mtext><textarea><path id=\"</textarea><img onerror=alert(1) src=1>\">",
    "<svg></p><style><a id=\"</style><img src=1 onerror=alert(1)>\">",
    "<svg><foreignObject><p><iframe srcdoc='<script>alert(1)</script>'></iframe></p></foreignObject></svg>",
    "<svg><use href=\"data:image/svg+xml,<svg id=x xmlns='http://www.w3.org/2000/svg'><a href='javascript:alert(1)'/></svg>#x\"/></svg>",
    "<table><tr><td><script>alert(1)</script></td></tr><caption><img src=x onerror=alert(1)></caption></table>",
    "<table><script>alert(1)</script><tr><td onclick=alert(1)>x</table>",
    "<ruby>x<rt onclick=alert(1)><script>alert(1)</script></rt></ruby>",
    "<abbr title='\"><script>alert(1)</script>'>x</abbr>",
    "<pre><code class=\"language-x&quot;><script>alert(1)</script>\">y</code></pre>",
    "<pre>```\n<script>alert(1)</script>\n```</pre>",
    "<code>`<script>alert(1)</script>`</code>",
    "<a href=\"https://e.org/&quot;><script>alert(1)</script>\">x</a>",
    "<a href=\"https://e.org/)<script>alert(1)</script>\">x</a>",
    "<a href=\"https://e.org\" title='\")<script>alert(1)</script>'>x</a>",
    "<a href=\"\\javascript:alert(1)\">x</a>",
    "<a href=\"jav\u{ad}ascript:alert(1)\">x</a>",
    "<a href=\"\u{2028}javascript:alert(1)\">x</a>",
    "<a href=\"feed:javascript:alert(1)\">x</a>",
    "<a href=\"view-source:javascript:alert(1)\">x</a>",
    "<a href=\"blob:https://e.org/x\">x</a>",
    "<a href=\"file:///etc/passwd\">x</a>",
    "<a href=\"/courses/1/discussion_topics/9?entry_id=1&quot; onclick=&quot;alert(1)\">x</a>",
    "<a href=\"/courses/1/files/5/download?verifier=x&quot;><script>alert(1)</script>\">x</a>",
    "<p style=\"background-image:\\75 rl(javascript:alert(1))\">x</p>",
    "<p style=\"color:red;;width:exp/**/ression(alert(1))\">x</p>",
    "<p style='font-family:\"</p><script>alert(1)</script>\"'>x</p>",
    "<p title='</p><script>alert(1)</script>' class='\"><script>'>x</p>",
    "<p id=\"x&#10;onclick=alert(1)\" data-x='\"><script>alert(1)</script>'>x</p>",
    "<p data-turn-into-dialog='x' data-kyle-menu=x data-xml:x=y data-flash-message=x data-html-tooltip-title=\"<script>alert(1)</script>\">x</p>",
    "[quote=\"a, post:1, topic:1\"]\n<script>alert(1)</script>\n[/quote]",
    "[quote=\"a\"]\n[quote=\"b\"]\n<img src=x onerror=alert(1)>\n[/quote]",
    "[quote='a\" onclick=\"alert(1)']\nx\n[/quote]",
    "[quote=\"<b onclick=alert(1)>a</b>, post:1, topic:1, username:x\"]\ny\n[/quote]",
    "[details=\"a\" onclick=\"alert(1)\"]\nx\n[/details]",
    "[wrap=x onclick=\"alert(1)\" id=1]\n<script>alert(1)</script>\n[/wrap]",
    "[spoiler]<img src=x onerror=alert(1)>[/spoiler]",
    "[poll name=\"><script>alert(1)</script>\"]\n* a\n[/poll]",
    "![a|1x1\" onerror=\"alert(1)](upload://x.png)",
    "![a|video\" onplay=\"alert(1)](upload://x.mp4)",
    "![a](upload://x.png\"onerror=\"alert(1))",
    "[a|attachment](upload://x.pdf\" onclick=\"alert(1))",
    "[x](/t/7/3\" onclick=\"alert(1))",
    "[x](<https://e.org/\"><script>alert(1)</script>>)",
    "[x](https://e.org 'a\" onclick=\"alert(1)')",
    "[x][a]\n\n[a]: <java\\\nscript:alert(1)>",
    "[x](vbscript&colon;alert(1))",
    "<a\nhref='javascript:alert(1)'>x</a>",
    "<details/open/ontoggle=alert(1)>x",
    "<div align=\"center\" onclick=alert(1)>\n\n<script>alert(1)</script>\n\n</div>",
    "<div data-x='<!--'>\n\n--><img src=x onerror=alert(1)>\n\n</div>",
    "<kbd><img src=x onerror=alert(1)></kbd>",
    "[^1]\n\n[^1]: <script>alert(1)</script>",
    "^[<img src=x onerror=alert(1)>]",
    "| a |\n|---|\n| <script>alert(1)</script> |",
    "| a |\n|---|\n| [x](javascript:alert(1)) |",
    "- [ ] <img src=x onerror=alert(1)>",
    "# <script>alert(1)</script>",
    "    <script>alert(1)</script>\n<script>alert(1)</script>",
    "<!-- -- --!><img src=x onerror=alert(1)>",
    "<? ><img src=x onerror=alert(1)>?>",
    "\u{f0000}<script>alert(1)</script>\u{f0001}",
    "&lt;script&gt;alert(1)&lt;/script&gt;<script>alert(1)</script>",
    "\\<img src=x onerror=alert(1)>",
    "[code]</code><script>alert(1)</script>[/code]",
    "[u onclick=alert(1)]x[/u][b]<script>alert(1)</script>[/b]",
];

/// The smallest numbers of payloads that this file must have: of the public kind, and of our own.
const LEAST: (usize, usize) = (90, 90);

fn payloads() -> impl Iterator<Item = &'static str> {
    PAYLOADS.iter().chain(OWN).copied()
}

fn check(html: &str, source: &str) {
    let name = QualName::new(None, ns!(html), local_name!("body"));
    let dom = parse_fragment(
        RcDom::default(),
        ParseOpts::default(),
        name,
        Vec::new(),
        false,
    )
    .one(html);
    inspect(&dom.document, source, html);
}

const FORBIDDEN: &[&str] = &[
    "script",
    "style",
    "link",
    "meta",
    "base",
    "form",
    "input",
    "button",
    "select",
    "textarea",
    "svg",
    "template",
    "noscript",
    "annotation-xml",
    "animate",
    "foreignobject",
    "xmp",
    "plaintext",
    "frame",
    "frameset",
    "applet",
    "keygen",
    "marquee",
    "dialog",
    "portal",
];

fn inspect(node: &Handle, source: &str, html: &str) {
    if let NodeData::Element { name, attrs, .. } = &node.data {
        assert!(
            !FORBIDDEN.contains(&&*name.local),
            "{} in {html:?} from {source:?}",
            &*name.local
        );
        for attribute in attrs.borrow().iter() {
            let key = attribute.name.local.to_ascii_lowercase();
            let value: String = attribute
                .value
                .chars()
                .filter(|c| {
                    !c.is_control() && !c.is_whitespace() && !('\u{200b}'..='\u{200f}').contains(c)
                })
                .collect::<String>()
                .to_ascii_lowercase();
            let shown = format!("{key}={value:?} in {html:?} from {source:?}");
            assert!(
                !key.starts_with("on")
                    && !matches!(
                        &*key,
                        "srcdoc"
                            | "formaction"
                            | "action"
                            | "ping"
                            | "background"
                            | "xlink:href"
                            | "data-method"
                    ),
                "{shown}"
            );
            if matches!(
                &*key,
                "href" | "src" | "cite" | "data" | "poster" | "longdesc" | "srcset" | "xlink:href"
            ) {
                let safe = ["http:", "https:", "mailto:", "ftp:", "tel:", "skype:"]
                    .iter()
                    .any(|scheme| value.starts_with(scheme));
                let scheme = value
                    .split_once(':')
                    .is_some_and(|(head, _)| !head.contains(['/', '?', '#']));
                assert!(safe || !scheme, "{shown}");
            }
            if &*key == "style" {
                for bad in [
                    "url(",
                    "expression",
                    "javascript",
                    "binding",
                    "behavior",
                    "\\",
                    "/*",
                    "@import",
                ] {
                    assert!(!value.contains(bad), "{shown}");
                }
            }
        }
    }
    for child in node.children.borrow().iter() {
        inspect(child, source, html);
    }
}

fn everything(source: &str) {
    for ctx in [Context::default(), knowing()] {
        everything_with(source, &ctx);
    }
}

/// A context whose maps the payloads name.
fn knowing() -> Context {
    let mut ctx = Context {
        hosts: markup::Hosts {
            canvas: "https://canvas.example.edu".to_owned(),
            discourse: "https://e.org".to_owned(),
        },
        ..Context::default()
    };
    ctx.posts
        .insert("/t/7/3", "/courses/1/discussion_topics/9?entry_id=1");
    ctx.posts.insert("/t/1", "/courses/1/discussion_topics/8");
    let user = markup::User {
        username: "a".to_owned(),
        name: "\"><script>alert(1)</script>".to_owned(),
    };
    ctx.users.insert("7".to_owned(), user);
    let file = markup::File {
        upload: "upload://x.png".to_owned(),
        path: "/courses/1/files/5".to_owned(),
        name: "\"><script>alert(1)</script>".to_owned(),
    };
    ctx.files.insert("5".to_owned(), file);
    ctx
}

fn everything_with(source: &str, ctx: &Context) {
    let clean = sanitise(source);
    check(&clean, source);
    assert_eq!(
        sanitise(&clean),
        clean,
        "cleaning twice changes something: {source:?}"
    );
    let html = discourse_to_canvas(source, ctx).text;
    check(&html, source);
    let markdown = canvas_to_discourse(source, ctx).text;
    check(&discourse_to_canvas(&markdown, ctx).text, source);
    // What the raw text itself would be if a renderer let all its HTML through.
    check(
        &discourse_to_canvas(&format!("<div>{markdown}</div>"), ctx).text,
        source,
    );
}

#[test]
fn payloads_come_out_harmless() {
    assert!(PAYLOADS.len() >= LEAST.0 && OWN.len() >= LEAST.1);
    let all: std::collections::BTreeSet<&str> = payloads().collect();
    assert_eq!(all.len(), PAYLOADS.len() + OWN.len(), "none is there twice");
    for payload in payloads() {
        everything(payload);
        everything(&format!("<p>{payload}</p>"));
        everything(&format!("> - {payload}"));
        everything(&format!("text {payload} text\n\n{payload}"));
    }
}

#[test]
fn text_that_looks_like_html_stays_text() {
    let ctx = Context::default();
    for payload in payloads() {
        let escaped = payload
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('\n', " ");
        let markdown = canvas_to_discourse(&format!("<p>{escaped}</p>"), &ctx).text;
        let html = discourse_to_canvas(&markdown, &ctx).text;
        let elements: Vec<&str> = html
            .split('<')
            .skip(1)
            .map(|tag| tag.split(['>', ' ']).next().unwrap())
            .collect();
        assert!(
            elements
                .iter()
                .all(|name| matches!(*name, "p" | "/p" | "a" | "/a")),
            "{payload:?} became {html:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mixtures_of_payloads_come_out_harmless(parts in prop::collection::vec(prop::sample::select(payloads().collect::<Vec<_>>()), 1..4), cuts in prop::collection::vec(0usize..60, 1..4)) {
        let mut text = String::new();
        for (part, cut) in parts.iter().zip(cuts.iter().cycle()) {
            text.extend(part.chars().take(*cut));
            text.push_str(part);
        }
        everything(&text);
    }
}

fn cases() -> u32 {
    option_env!("MARKUP_CASES")
        .and_then(|cases| cases.parse().ok())
        .unwrap_or(300)
}
