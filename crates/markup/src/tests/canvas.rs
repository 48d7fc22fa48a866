//! Canvas HTML as Discourse Markdown.

use super::to_discourse;
use expect_test::expect;

#[test]
fn paragraphs_breaks_and_blank_lines() {
    to_discourse(
        "<p>one<br>two</p><p>&nbsp;</p><p><br></p><p>three &nbsp;four</p>",
        &expect![[r#"
            one
            two

            three &nbsp;four"#]],
    );
    to_discourse(
        "bare <b>text</b><div>line</div>",
        &expect![[r#"
        bare **text**

        line"#]],
    );
    to_discourse(
        "<p>a<br><br>b</p><h3>x<br>y</h3>",
        &expect![[r#"
        a<br><br>b

        ### x<br>y"#]],
    );
}

#[test]
fn marks() {
    to_discourse(
        "<p><b>a</b><b>b</b> <i> c </i>d</p>",
        &expect!["**ab** *c* d"],
    );
    to_discourse(
        r#"<p>x<strong>"y"</strong>z <em>a<strong>b</strong></em><strong>c</strong></p>"#,
        &expect![[r#"x<strong>"y"</strong>z <em>a<strong>b</strong></em><strong>c</strong>"#]],
    );
    to_discourse(
        r#"<p><span style="text-decoration: underline;">u</span> <span style="text-decoration: line-through;">s</span> <u>v</u></p>"#,
        &expect!["[u]u[/u] ~~s~~ [u]v[/u]"],
    );
    to_discourse(
        r#"<p>H<sub>2</sub>O x<sup>2</sup> <kbd>K</kbd> <mark>m</mark> <small>s</small> <big>b</big> <ins>i</ins> <abbr title="t">a</abbr></p>"#,
        &expect![[
            r#"H<sub>2</sub>O x<sup>2</sup> <kbd>K</kbd> <mark>m</mark> <small>s</small> <big>b</big> <ins>i</ins> <abbr title="t">a</abbr>"#
        ]],
    );
    to_discourse(
        "<p><ruby>漢<rp>(</rp><rt>kan</rt><rp>)</rp></ruby></p>",
        &expect!["<ruby>漢<rp>(</rp><rt>kan</rt><rp>)</rp></ruby>"],
    );
    to_discourse(
        r#"<p><span style="color: red; font-size: 14pt;">red</span></p>"#,
        &expect![[r#"
            red
            -- lost: style (color: red; font-size: 14pt;)"#]],
    );
}

#[test]
fn lists() {
    to_discourse(
        "<ul><li>a<ul><li>b<ol><li>c</li></ol></li></ul></li><li></li><li><p>d</p><p>e</p></li></ul>",
        &expect![[r#"
            - a

              - b
                1. c

            -

            - d

              e"#]],
    );
    to_discourse(
        r#"<ol start="3"><li>a</li><li><pre>x</pre></li></ol><ol><li>b</li></ol>"#,
        &expect![[r#"
            3. a

            4. ```
               x
               ```

            <!-- -->

            1. b"#]],
    );
    to_discourse(
        "<ul><ul><li>odd</li></ul></ul><li>bare</li>",
        &expect![[r#"
            - - odd

            <!-- -->

            - bare"#]],
    );
    to_discourse(
        "<ul><li><h2>h</h2></li><li><hr></li></ul>",
        &expect![[r#"
        - ## h

        - ***"#]],
    );
}

#[test]
fn tables() {
    to_discourse(
        "<table><tbody><tr><td>a</td><td>b</td></tr></tbody></table>",
        &expect!["<table><tbody><tr><td>a</td><td>b</td></tr></tbody></table>"],
    );
    to_discourse(
        r#"<table><thead><tr><th>a|b</th><th style="text-align: right;">c</th></tr></thead><tbody><tr><td><code>x|y</code><br>z</td><td style="text-align: right;"></td></tr></tbody></table>"#,
        &expect![[r#"
            | a\|b | c |
            | --- | --: |
            | `x\|y`<br>z | |"#]],
    );
    to_discourse(
        r#"<table><caption>C</caption><tr><td colspan="2">a<ul><li>b</li></ul></td></tr></table>"#,
        &expect![[
            r#"<table><caption>C</caption><tbody><tr><td colspan="2">a<ul><li>b</li></ul></td></tr></tbody></table>"#
        ]],
    );
}

#[test]
fn code() {
    to_discourse(
        "<p><code>a`b</code> <code>``</code> <code> x </code> <code>a&nbsp;b</code></p>",
        &expect!["``a`b`` ` `` ` `  x  ` `a b`"],
    );
    to_discourse(
        "<pre class=\"language-rs\">fn x() {<br>\ty</pre>",
        &expect![[r#"
            ```rs
            fn x() {
            	y
            ```"#]],
    );
    to_discourse(
        "<pre><code>```\nx</code></pre>",
        &expect![[r#"
        ````
        ```
        x
        ````"#]],
    );
    to_discourse(
        "<pre></pre>",
        &expect![[r#"
        ```
        ```"#]],
    );
}

#[test]
fn equations() {
    to_discourse(
        r#"<p>x <img class="equation_image" alt="LaTeX: \frac{a}{b}" src="/x"> y</p>"#,
        &expect![[r#"x $\frac{a}{b}$ y"#]],
    );
    to_discourse(
        "<p><img class=\"equation_image\" data-equation-content=\"a\n\\\\ b\"></p>",
        &expect![[r#"
            $$
            a
            \\ b
            $$"#]],
    );
    to_discourse(
        r#"<p>a<img class="equation_image" data-equation-content="x$y">b</p>"#,
        &expect![[r#"a<span class="math">x&#36;y</span>b"#]],
    );
    to_discourse(
        r#"<p><math><semantics><mi>x</mi><annotation encoding="application/x-tex">x_1</annotation></semantics></math> <math><mi>y</mi></math></p>"#,
        &expect![[r#"
            $x_1$ y
            -- lost: MathML without LaTeX (y)"#]],
    );
}

#[test]
fn images_and_links() {
    to_discourse(
        r#"<p><img src="https://e.org/a.png" alt="a [b] c" width="10" height="20"> <img src="/i" alt="x|y]" width="5"></p>"#,
        &expect![[
            r#"![a [b] c|10x20](https://e.org/a.png) <img src="/i" alt="x&#124;y]" width="5">"#
        ]],
    );
    to_discourse(
        r#"<p><a href="https://e.org/a_(b)" title="say &quot;hi&quot;">t]x</a> <a href="https://e.org">https://e.org</a> <a href="javascript:x">no</a> <a href="tel:+1">call</a></p>"#,
        &expect![[r#"
            [t\]x](<https://e.org/a_(b)> "say &#34;hi&#34;") https://e.org no [call](tel:+1)
            -- lost: link (javascript:x)"#]],
    );
    to_discourse(
        "<p>see https://e.org/x, and (http://e.org).</p>",
        &expect!["see https://e.org/x, and (http://e.org)."],
    );
    to_discourse(
        r#"<p><a href="/p"><img src="/i.png" alt="i"> and <b>b</b></a></p>"#,
        &expect!["[![i](/i.png) and **b**](/p)"],
    );
}

#[test]
fn text_that_looks_like_markdown() {
    to_discourse(
        r#"<p>*a* _b_ snake_case ~~c~~ `d` [e](f) &lt;b&gt; &amp;amp; \ 1_000</p>"#,
        &expect![[r#"\*a\* \_b\_ snake_case \~\~c\~\~ \`d\` &#91;e](f) &lt;b> &amp;amp; \ 1_000"#]],
    );
    to_discourse(
        "<p># no<br>1. no<br>- no<br>+ no<br>&gt; no<br>=== <br>| a |<br>|---|</p>",
        &expect![[r#"
            \# no
            1\. no
            \- no
            \+ no
            \> no
            \===
            \| a \|
            \|---\|"#]],
    );
    to_discourse(
        "<p>@bob #tag :smile: :) [ ] [x] $5 and $6 [date=2026-01-01] [u]x[/u] [quote]</p>",
        &expect![[
            r#"@<WJ>bob #<WJ>tag :<WJ>smile: :<WJ>) &#91;<WJ> ] &#91;<WJ>x] \$5 and \$6 &#91;<WJ>date=2026-01-01] &#91;u]x&#91;/u] &#91;quote]"#
        ]],
    );
    to_discourse(
        "<p>1. x</p><p>- y</p><p># z</p><p>---</p>",
        &expect![[r#"
        1\. x

        \- y

        \# z

        \---"#]],
    );
}

#[test]
fn frames_and_quotes() {
    to_discourse(
        r#"<p style="text-align: center;">c</p><p dir="rtl" lang="ar">ع</p><div align="right"><p>a</p><p>b</p></div>"#,
        &expect![[r#"
            <div align="center">

            c

            </div>

            <div dir="rtl" lang="ar">

            ع

            </div>

            <div align="right">

            a

            b

            </div>"#]],
    );
    to_discourse(
        "<blockquote><p>a</p><ul><li>b</li></ul></blockquote>",
        &expect![[r#"
            > a
            >
            > - b"#]],
    );
    to_discourse(
        r#"<details><summary>S "q"</summary><p>x</p></details><details><summary><b>B</b></summary>y</details>"#,
        &expect![[r#"
            [details='S "q"']
            x
            [/details]

            <details><summary><strong>B</strong></summary>

            y

            </details>"#]],
    );
    to_discourse(
        "<dl><dt>t</dt><dd>d</dd></dl>",
        &expect!["<dl><dt>t</dt><dd>d</dd></dl>"],
    );
}

#[test]
fn what_canvas_adds_and_players() {
    to_discourse(
        r#"<link rel="stylesheet" href="https://x"><p>a</p><script src="https://x"></script>"#,
        &expect!["a"],
    );
    to_discourse(
        r#"<p><a class="instructure_file_link" href="https://c.edu/courses/1/files/2/download?verifier=v&amp;wrap=1" data-api-endpoint="x">f.pdf</a></p>"#,
        &expect!["[f.pdf](https://c.edu/courses/1/files/2/download)"],
    );
    to_discourse(
        r#"<iframe src="https://www.youtube.com/embed/x"></iframe>"#,
        &expect![[r#"
            https://www.youtube.com/watch?v=x
            -- lost: media (https://www.youtube.com/embed/x)"#]],
    );
    to_discourse(
        r#"<p><a id="media_comment_m-1" class="instructure_inline_media_comment audio_comment"></a></p>"#,
        &expect![[r#"
            [▶ audio](/media_objects/m-1)
            -- lost: media (/media_objects/m-1)"#]],
    );
    to_discourse(
        r#"<p><span class="mention" data-mention="7">@Ann</span> said</p>"#,
        &expect![[r#"<span data-mention="7">Ann</span> said"#]],
    );
}
