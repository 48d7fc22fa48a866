//! `convert`: the markup crate on standard input and output.

use std::io::{BufRead as _, Read as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::arguments::{Convert, Language, Preferred};

pub(crate) fn run(options: &Convert) -> anyhow::Result<ExitCode> {
    let known = known(options)?;
    if let Some([base, left, right]) = options.merge.as_deref() {
        return merge(options, [base, left, right]);
    }
    if options.batch {
        return batch(options, &known);
    }
    let mut bytes = Vec::new();
    std::io::stdin()
        .read_to_end(&mut bytes)
        .context("Standard input cannot be read")?;
    let input = String::from_utf8_lossy(&bytes);
    let output = convert(options, &known, &input).output;
    std::io::stdout()
        .write_all(output.as_bytes())
        .context("Standard output cannot be written")?;
    Ok(ExitCode::SUCCESS)
}

/// The maps of `--map`; nothing is known without it.
fn known(options: &Convert) -> anyhow::Result<markup::Context> {
    let Some(path) = &options.map else {
        return Ok(markup::Context::default());
    };
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("The map {} cannot be read", path.display()))?;
    serde_json::from_str(&text).with_context(|| {
        format!(
            "The map {} is not of the form that `--map` takes",
            path.display()
        )
    })
}

/// Prints the merge of three files; the number of overlaps goes to standard error.
fn merge(options: &Convert, files: [&PathBuf; 3]) -> anyhow::Result<ExitCode> {
    let [base, left, right] = files.map(|path| {
        std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
    });
    let dialect = match options.from {
        Language::Canvas => markup::Dialect::CanvasHtml,
        Language::Discourse => markup::Dialect::DiscourseMarkdown,
    };
    let prefer = match options.prefer {
        Preferred::Left => markup::Side::Left,
        Preferred::Right => markup::Side::Right,
    };
    let merged = markup::merge(&base?, &left?, &right?, dialect, prefer);
    std::io::stdout()
        .write_all(merged.text.as_bytes())
        .context("Standard output cannot be written")?;
    if !merged.overlaps.is_empty() {
        let count = merged.overlaps.len();
        writeln!(
            std::io::stderr(),
            "{count} places were changed on both sides."
        )
        .context("Standard error cannot be written")?;
    }
    Ok(ExitCode::SUCCESS)
}

struct Converted {
    output: String,
    losses: Vec<String>,
    needs: Value,
}

fn convert(options: &Convert, context: &markup::Context, input: &str) -> Converted {
    let plain = |output| Converted {
        output,
        losses: Vec::new(),
        needs: json!([]),
    };
    if options.canonical {
        return plain(match options.from {
            Language::Canvas => markup::canonical_html(input, context),
            Language::Discourse => markup::canonical_markdown(input, context),
        });
    }
    let output = match (options.from, options.to.unwrap_or(options.from)) {
        (Language::Canvas, Language::Discourse) => markup::canvas_to_discourse(input, context),
        (Language::Discourse, Language::Canvas) => markup::discourse_to_canvas(input, context),
        (Language::Canvas, Language::Canvas) => return plain(markup::sanitise(input)),
        (Language::Discourse, Language::Discourse) => return plain(input.to_owned()),
    };
    Converted {
        output: output.text,
        losses: output.losses.iter().map(|loss| loss.name.clone()).collect(),
        needs: json!(output.needs),
    }
}

#[derive(Deserialize)]
struct Line {
    id: Value,
    input: String,
}

fn batch(options: &Convert, known: &markup::Context) -> anyhow::Result<ExitCode> {
    let stdin = std::io::stdin().lock();
    let mut stdout = std::io::stdout().lock();
    for bytes in stdin.split(b'\n') {
        let bytes = bytes.context("Standard input cannot be read")?;
        if bytes.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let answer = match serde_json::from_slice::<Line>(&bytes) {
            Ok(line) => {
                let converted = convert(options, known, &line.input);
                json!({
                    "id": line.id,
                    "output": converted.output,
                    "losses": converted.losses,
                    "needs": converted.needs,
                })
            }
            Err(error) => {
                json!({ "id": id_of(&bytes), "error": format!("not a line of this form: {error}") })
            }
        };
        writeln!(stdout, "{answer}").context("Standard output cannot be written")?;
    }
    stdout
        .flush()
        .context("Standard output cannot be written")?;
    Ok(ExitCode::SUCCESS)
}

/// The id of a line that has one but is otherwise wrong.
fn id_of(bytes: &[u8]) -> Value {
    serde_json::from_slice::<Value>(bytes)
        .ok()
        .and_then(|value| value.get("id").cloned())
        .unwrap_or(Value::Null)
}
