//! `convert`: the markup crate on standard input and output.

use std::io::{BufRead as _, Read as _, Write as _};
use std::process::ExitCode;

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::arguments::{Convert, Language};

pub(crate) fn run(options: &Convert) -> anyhow::Result<ExitCode> {
    if options.batch {
        return batch(options);
    }
    let mut bytes = Vec::new();
    std::io::stdin()
        .read_to_end(&mut bytes)
        .context("Standard input cannot be read")?;
    let input = String::from_utf8_lossy(&bytes);
    let output = convert(options, &input).output;
    std::io::stdout()
        .write_all(output.as_bytes())
        .context("Standard output cannot be written")?;
    Ok(ExitCode::SUCCESS)
}

struct Converted {
    output: String,
    losses: Vec<String>,
    needs: Vec<String>,
}

fn convert(options: &Convert, input: &str) -> Converted {
    let context = markup::Context::default();
    let plain = |output| Converted {
        output,
        losses: Vec::new(),
        needs: Vec::new(),
    };
    if options.canonical {
        return plain(match options.from {
            Language::Canvas => markup::canonical_html(input, &context),
            Language::Discourse => markup::canonical_markdown(input, &context),
        });
    }
    let output = match (options.from, options.to.unwrap_or(options.from)) {
        (Language::Canvas, Language::Discourse) => markup::canvas_to_discourse(input, &context),
        (Language::Discourse, Language::Canvas) => markup::discourse_to_canvas(input, &context),
        (Language::Canvas, Language::Canvas) => return plain(markup::sanitise(input)),
        (Language::Discourse, Language::Discourse) => return plain(input.to_owned()),
    };
    Converted {
        output: output.text,
        losses: output.losses.iter().map(|loss| loss.name.clone()).collect(),
        needs: output
            .needs
            .iter()
            .map(|need| format!("{need:?}"))
            .collect(),
    }
}

#[derive(Deserialize)]
struct Line {
    id: Value,
    input: String,
}

fn batch(options: &Convert) -> anyhow::Result<ExitCode> {
    let stdin = std::io::stdin().lock();
    let mut stdout = std::io::stdout().lock();
    for bytes in stdin.split(b'\n') {
        let bytes = bytes.context("Standard input cannot be read")?;
        if bytes.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let answer = match serde_json::from_slice::<Line>(&bytes) {
            Ok(line) => {
                let converted = convert(options, &line.input);
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
