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
    let ctx = Context::default();
    let clean = sanitise(source);
    check(&clean, source);
    assert_eq!(
        sanitise(&clean),
        clean,
        "cleaning twice changes something: {source:?}"
    );
    let html = discourse_to_canvas(source, &ctx).text;
    check(&html, source);
    let markdown = canvas_to_discourse(source, &ctx).text;
    check(&discourse_to_canvas(&markdown, &ctx).text, source);
    // What the raw text itself would be if a renderer let all its HTML through.
    check(
        &discourse_to_canvas(&format!("<div>{markdown}</div>"), &ctx).text,
        source,
    );
}

#[test]
fn payloads_come_out_harmless() {
    for payload in PAYLOADS {
        everything(payload);
        everything(&format!("<p>{payload}</p>"));
        everything(&format!("> - {payload}"));
        everything(&format!("text {payload} text\n\n{payload}"));
    }
}

#[test]
fn text_that_looks_like_html_stays_text() {
    let ctx = Context::default();
    for payload in PAYLOADS {
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
    fn mixtures_of_payloads_come_out_harmless(parts in prop::collection::vec(prop::sample::select(PAYLOADS), 1..4), cuts in prop::collection::vec(0usize..60, 1..4)) {
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
