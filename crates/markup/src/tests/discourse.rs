//! Discourse Markdown as Canvas HTML.

use super::to_canvas;
use expect_test::expect;

#[test]
fn plain_markdown() {
    to_canvas(
        "# H\n\na **b** *c* ~~d~~ `e`\nline\n\n- x\n- y\n\n3. z\n\n---\n\n> q\n\n```rb\nx\n```",
        &expect![[r#"
            <h1>H</h1>
            <p>a <strong>b</strong> <em>c</em> <del>d</del> <code>e</code><br>line</p>
            <ul><li>x</li><li>y</li></ul>
            <ol start="3"><li>z</li></ol>
            <hr>
            <blockquote><p>q</p></blockquote>
            <pre><code class="language-rb">x</code></pre>"#]],
    );
    to_canvas("a\\\nb  \nc", &expect!["<p>a<br>b<br>c</p>"]);
    to_canvas(
        r#"[t](https://e.org "x") <https://e.org> https://e.org ![i|10x20, 50%](https://e.org/i.png "t")"#,
        &expect![[
            r#"<p><a href="https://e.org" title="x">t</a> <a href="https://e.org">https://e.org</a> <a href="https://e.org">https://e.org</a> <img src="https://e.org/i.png" alt="i" title="t" width="5" height="10" data-dsc-size="10x20" data-dsc-extra="50%"></p>"#
        ]],
    );
}

#[test]
fn quotes_details_spoilers() {
    to_canvas(
        "[quote=\"bob, post:2, topic:3, full:true\"]\na\n\nb\n[/quote]\n\nreply",
        &expect![[r#"
            <blockquote data-dsc-quote="bob, post:2, topic:3, full:true"><p data-dsc-by="1">bob wrote:</p><p>a</p><p>b</p></blockquote>
            <p>reply</p>"#]],
    );
    to_canvas(
        "[quote]x[/quote]",
        &expect![[r#"<blockquote data-dsc-quote=""><p>x</p></blockquote>"#]],
    );
    to_canvas(
        "[details=\"S\"]\n- a\n[/details]\nafter",
        &expect![[r#"
        <details><summary>S</summary><ul><li>a</li></ul></details>
        <p>after</p>"#]],
    );
    to_canvas(
        "[spoiler]\na\n[/spoiler]\n\nx [spoiler]*y*[/spoiler] z",
        &expect![[r#"
            <details data-dsc-spoiler="1"><summary>Spoiler</summary><p>a</p></details>
            <p>x <span data-dsc-spoiler="1"><em>y</em></span> z</p>"#]],
    );
    to_canvas(
        "- a\n  [quote=\"b\"]\n  c\n  [/quote]",
        &expect![[
            r#"<ul><li>a<blockquote data-dsc-quote="b"><p data-dsc-by="1">b wrote:</p><p>c</p></blockquote></li></ul>"#
        ]],
    );
    to_canvas(
        "[quote=\"a\"]\nunclosed",
        &expect![[r#"<p>[quote="a"]<br>unclosed</p>"#]],
    );
}

#[test]
fn text_features() {
    to_canvas(
        "hi @bob, @a.b-c. x@y.org #tag #a:b :smile: :custom_x: :+1:t3: :) a:)b",
        &expect![[
            r#"<p>hi <span data-dsc-mention="bob">@bob</span>, <span data-dsc-mention="a.b-c">@a.b-c</span>. x@y.org <span data-dsc-hashtag="tag">#tag</span> <span data-dsc-hashtag="a:b">#a:b</span> 😄 <span data-dsc-emoji="custom_x">:custom_x:</span> 👍🏼 🙂 a:)b</p>"#
        ]],
    );
    to_canvas(
        "- [ ] a\n- [x] b",
        &expect![[
            r#"<ul><li><span data-dsc-check="">☐</span> a</li><li><span data-dsc-check="x">☑</span> b</li></ul>"#
        ]],
    );
    to_canvas(
        r#"[date=2026-01-02 time=10:00:00 timezone="Europe/Madrid"]"#,
        &expect![[
            r#"<p><span data-dsc-opaque="[date=2026-01-02 time=10:00:00 timezone=&quot;Europe/Madrid&quot;]">date=2026-01-02 time=10:00:00 timezone="Europe/Madrid"</span></p>"#
        ]],
    );
    to_canvas(
        "`@bob` [@bob](https://e.org)",
        &expect![[r#"<p><code>@bob</code> <a href="https://e.org">@bob</a></p>"#]],
    );
    to_canvas(
        "@\u{2060}bob :\u{2060}smile: [\u{2060}x]",
        &expect!["<p>@bob :smile: [x]</p>"],
    );
}

#[test]
fn opaque_blocks() {
    to_canvas(
        "[poll type=regular]\n* a\n* b\n[/poll]\n\nend",
        &expect![[r#"
            <div data-dsc-opaque="[poll type=regular]
            * a
            * b
            [/poll]"><p>* a</p><p>* b</p></div>
            <p>end</p>"#]],
    );
    to_canvas(
        "[wrap=x]\n**a**\n[/wrap]",
        &expect![[r#"
        <div data-dsc-opaque="[wrap=x]
        **a**
        [/wrap]"><p>**a**</p></div>"#]],
    );
}

#[test]
fn equations() {
    to_canvas(
        "a $x_1*y*$ b ($z$) $5 and $6",
        &expect![[
            r#"<p>a <img class="equation_image" title="x_1*y*" src="/equation_images/x%255F1%252Ay%252A?scale=1" alt="LaTeX: x_1*y*" data-equation-content="x_1*y*"> b (<img class="equation_image" title="z" src="/equation_images/z?scale=1" alt="LaTeX: z" data-equation-content="z">) $5 and $6</p>"#
        ]],
    );
    to_canvas(
        "$$\na\n\nb\n$$",
        &expect![[r#"
        <p><img class="equation_image" title="a

        b" src="/equation_images/a%250A%250Ab?scale=1" alt="LaTeX: a

        b" data-equation-content="a

        b"></p>"#]],
    );
    to_canvas(
        "- $$\n  x\n  $$",
        &expect![[
            r#"<ul><li><p><img class="equation_image" title="x" src="/equation_images/x?scale=1" alt="LaTeX: x" data-equation-content="x"></p></li></ul>"#
        ]],
    );
    to_canvas("$$x$$", &expect!["<p>$$x$$</p>"]);
    to_canvas("`$x$`", &expect!["<p><code>$x$</code></p>"]);
}

#[test]
fn bbcode() {
    to_canvas(
        "[b]a[/b] [i]b[/i] [u]c[/u] [s]d[/s] [url=https://e.org]l[/url] [url]https://e.org[/url] [img]https://e.org/i.png[/img] [code]*x*[/code]",
        &expect![[
            r#"<p><strong>a</strong> <em>b</em> <span style="text-decoration: underline;">c</span> <del>d</del> <a href="https://e.org">l</a> <a href="https://e.org">https://e.org</a> <img src="https://e.org/i.png" alt=""> <code>*x*</code></p>"#
        ]],
    );
    to_canvas(
        "[code]\na\n\n*b*\n[/code]",
        &expect![[r#"
        <pre><code>a

        *b*</code></pre>"#]],
    );
    to_canvas("[b]open", &expect!["<p>[b]open</p>"]);
    to_canvas(
        "[u]a **b[/u] c**",
        &expect![[
            r#"<p><span style="text-decoration: underline;">a <strong>b</strong></span><strong> c</strong></p>"#
        ]],
    );
}

#[test]
fn html_in_markdown() {
    to_canvas(
        "<div align=\"center\">\n\n**a**\n\n</div>",
        &expect![[r#"<p style="text-align: center;"><strong>a</strong></p>"#]],
    );
    to_canvas(
        "<b>a</b> <kbd>x</kbd> <sub>1</sub><br>y <!-- c --> z",
        &expect!["<p><strong>a</strong> <kbd>x</kbd> <sub>1</sub><br>y z</p>"],
    );
    to_canvas(
        "<table><tr><td colspan=2>a</td></tr></table>",
        &expect![[r#"<table><tbody><tr><td colspan="2">a</td></tr></tbody></table>"#]],
    );
    to_canvas(
        "<details><summary>S</summary>\n\n*a*\n\n</details>",
        &expect!["<details><summary>S</summary><p><em>a</em></p></details>"],
    );
    to_canvas(
        r#"<script>x</script><p onclick=x style="color:red">y"#,
        &expect!["<p>y</p>"],
    );
}

#[test]
fn tables_and_footnotes() {
    to_canvas(
        "| a | b |\n|---|--:|\n| *x* | `y\\|z` |\n| 1 |",
        &expect![[
            r#"<table><thead><tr><th>a</th><th style="text-align: right;">b</th></tr></thead><tbody><tr><td><em>x</em></td><td style="text-align: right;"><code>y|z</code></td></tr><tr><td>1</td><td style="text-align: right;"></td></tr></tbody></table>"#
        ]],
    );
    to_canvas(
        "a[^1] b\n\n[^1]: note\n\n    more",
        &expect![[r#"
        <p>a<sup data-dsc-fn="1">[1]</sup> b</p>
        <div data-dsc-fn="1"><p>note</p><p>more</p></div>"#]],
    );
    to_canvas(
        "x^[in *line*] y",
        &expect![[r#"
        <p>x<sup data-dsc-fn="__inline_1">[__inline_1]</sup> y</p>
        <div data-dsc-fn="__inline_1"><p>in <em>line</em></p></div>"#]],
    );
}

#[test]
fn uploads() {
    to_canvas(
        r#"![a|690x400, 50%](upload://abc.png) ![b](upload://b.png "t") [f.pdf|attachment](upload://c.pdf) (1 KB)"#,
        &expect![[
            r#"<p><img data-dsc-src="upload://abc.png" alt="a" width="345" height="200" data-dsc-size="690x400" data-dsc-extra="50%"> <img data-dsc-src="upload://b.png" alt="b" title="t"> <a data-dsc-href="upload://c.pdf">f.pdf</a> (1 KB)</p>"#
        ]],
    );
    to_canvas(
        "![v|video](upload://v.mp4)",
        &expect![[r#"<p><a data-dsc-media="video" data-dsc-href="upload://v.mp4">▶ v</a></p>"#]],
    );
}
