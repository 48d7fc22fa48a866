//! Validation of a document against the schema, and the limits (contract canvas §17).

use super::parse::{At, Document, Field, Literal, OperationKind, Selection};
use super::schema::{Schema, element};
use serde_json::{Value, json};

const TOKENS_MAX: usize = 5_000;
const DEPTH_MAX: usize = 15;
const ALIASES_MAX: usize = 20;
const DIRECTIVES_MAX: usize = 5;
const MUTATIONS_MAX: usize = 5;
const COMPLEXITY_MAX: u64 = 375_000;
/// A document whose fragments multiply is given up after this many fields.
const VISITS_MAX: usize = 100_000;
/// Fragments may spread each other this deep; a cycle ends here too.
const SPREAD_MAX: usize = 30;

fn place(at: At) -> Value {
    json!([{"line": at.line, "column": at.column}])
}

struct Check<'a> {
    schema: Schema,
    document: &'a Document,
    errors: Vec<Value>,
    aliases: usize,
    directives: usize,
    depth: usize,
    visits: usize,
}

impl Check<'_> {
    fn report(&mut self, message: &str, at: At, path: &[String], extensions: &Value) {
        self.errors.push(
            json!({"message": message, "locations": place(at), "path": path,
                                "extensions": extensions}),
        );
    }

    fn walk(
        &mut self,
        selections: &[Selection],
        kind: &str,
        path: &mut Vec<String>,
        depth: (usize, usize),
    ) {
        let (depth, spreads) = depth;
        self.depth = self.depth.max(depth);
        for selection in selections {
            self.visits = self.visits.saturating_add(1);
            if self.visits > VISITS_MAX {
                return;
            }
            match selection {
                Selection::Field(field) => self.field(field, kind, path, (depth, spreads)),
                Selection::Inline {
                    on,
                    selections,
                    directives,
                    ..
                } => {
                    self.directives = self.directives.saturating_add(directives.len());
                    let kind = on.as_deref().unwrap_or(kind);
                    path.push(format!("... on {kind}"));
                    self.walk(selections, kind, path, (depth, spreads));
                    path.pop();
                }
                Selection::Spread {
                    name,
                    directives,
                    at,
                } => {
                    self.directives = self.directives.saturating_add(directives.len());
                    let document = self.document;
                    match document.fragments.get(name) {
                        Some(fragment) if spreads < SPREAD_MAX => {
                            self.walk(
                                &fragment.selections,
                                &fragment.on,
                                path,
                                (depth, spreads.saturating_add(1)),
                            );
                        }
                        Some(_) => self.report(
                            &format!("Fragment {name} contains an infinite loop"),
                            *at,
                            path,
                            &json!({"code": "infiniteLoop", "fragmentName": name}),
                        ),
                        None => self.report(
                            &format!("Fragment {name} was used, but not defined"),
                            *at,
                            path,
                            &json!({"code": "useAndDefineFragment", "fragmentName": name}),
                        ),
                    }
                }
            }
        }
    }

    fn field(&mut self, field: &Field, kind: &str, path: &mut Vec<String>, depth: (usize, usize)) {
        self.aliases = self
            .aliases
            .saturating_add(usize::from(field.alias.is_some()));
        self.directives = self.directives.saturating_add(field.directives.len());
        if field.name == "__typename" {
            return;
        }
        path.push(field.name.clone());
        match self.schema.field(kind, &field.name) {
            None => self.report(
                &format!("Field '{}' doesn't exist on type '{kind}'", field.name),
                field.at,
                path,
                &json!({"code": "undefinedField", "typeName": kind, "fieldName": field.name}),
            ),
            Some((_, _, result, arguments)) => {
                self.arguments(field, arguments, path);
                let result = element(result);
                let is_composite = self.schema.is_composite(result);
                if is_composite && field.selections.is_empty() {
                    let words = format!(
                        "Field must have selections (field '{0}' returns {result} but has no selections. Did you mean '{0} {{ ... }}'?)",
                        field.name
                    );
                    self.report(
                        &words,
                        field.at,
                        path,
                        &json!({"code": "selectionMismatch", "typeName": result}),
                    );
                } else if !is_composite && !field.selections.is_empty() {
                    let words = format!(
                        "Selections can't be made on scalars (field '{}' returns {result} but has selections)",
                        field.name
                    );
                    self.report(
                        &words,
                        field.at,
                        path,
                        &json!({"code": "selectionMismatch", "typeName": result}),
                    );
                } else {
                    self.walk(
                        &field.selections,
                        result,
                        path,
                        (depth.0.saturating_add(1), depth.1),
                    );
                }
            }
        }
        path.pop();
    }

    fn arguments(&mut self, field: &Field, known: &str, path: &[String]) {
        for (name, _) in &field.arguments {
            if !known
                .split_whitespace()
                .any(|k| k.trim_end_matches('!') == name)
            {
                self.report(
                    &format!("Field '{}' doesn't accept argument '{name}'", field.name), field.at, path,
                    &json!({"code": "argumentNotAccepted", "name": field.name, "argumentName": name}),
                );
            }
        }
        let missing: Vec<&str> = known
            .split_whitespace()
            .filter_map(|k| k.strip_suffix('!'))
            .filter(|k| !field.arguments.iter().any(|(name, _)| name == k))
            .collect();
        if !missing.is_empty() {
            let words = missing.join(", ");
            self.report(
                &format!(
                    "Field '{}' is missing required arguments: {words}",
                    field.name
                ),
                field.at,
                path,
                &json!({"code": "missingRequiredArguments", "name": field.name, "arguments": words}),
            );
        }
    }
}

/// A rough cost: one per field, multiplied by the page size below connections.
/// `visits` bounds the work on documents whose fragments multiply.
fn complexity(
    document: &Document,
    selections: &[Selection],
    spreads: usize,
    visits: &mut usize,
) -> u64 {
    let mut sum: u64 = 0;
    for selection in selections {
        *visits = visits.saturating_add(1);
        if *visits > VISITS_MAX {
            return u64::MAX;
        }
        let cost = match selection {
            Selection::Field(field) => {
                let inner = complexity(document, &field.selections, spreads, visits);
                inner.saturating_mul(page_size(field)).saturating_add(1)
            }
            Selection::Inline { selections, .. } => {
                complexity(document, selections, spreads, visits)
            }
            Selection::Spread { name, .. } if spreads < SPREAD_MAX => {
                document.fragments.get(name).map_or(0, |f| {
                    complexity(document, &f.selections, spreads.saturating_add(1), visits)
                })
            }
            Selection::Spread { .. } => 0,
        };
        sum = sum.saturating_add(cost);
    }
    sum
}

fn page_size(field: &Field) -> u64 {
    if !field.name.ends_with("Connection") {
        return 1;
    }
    let asked = field
        .arguments
        .iter()
        .find(|(n, _)| n == "first" || n == "last");
    asked.map_or(20, |(_, value)| match value {
        Literal::Int(n) => u64::try_from(*n).unwrap_or(1).clamp(1, 100),
        _ => 100,
    })
}

fn limit_error(message: &str) -> Vec<Value> {
    vec![json!({"message": message})]
}

/// All errors of one operation; empty = it may run.
pub(crate) fn check(
    schema: Schema,
    document: &Document,
    operation: usize,
    has_limits: bool,
) -> Vec<Value> {
    let Some(operation) = document.operations.get(operation) else {
        return Vec::new();
    };
    let (root, word) = match operation.kind {
        OperationKind::Query => ("Query", "query"),
        OperationKind::Mutation => ("Mutation", "mutation"),
        OperationKind::Subscription => {
            return limit_error("Schema is not configured for subscriptions");
        }
    };
    if root == "Mutation" && !schema.is_composite("Mutation") {
        return limit_error("Schema is not configured for mutations");
    }
    if has_limits && document.tokens > TOKENS_MAX {
        return limit_error("This query is too large to execute.");
    }
    let path_head = operation
        .name
        .as_ref()
        .map_or_else(|| word.to_owned(), |name| format!("{word} {name}"));
    let mut check = Check {
        schema,
        document,
        errors: Vec::new(),
        aliases: 0,
        directives: 0,
        depth: 0,
        visits: 0,
    };
    check.walk(&operation.selections, root, &mut vec![path_head], (1, 0));
    if check.visits > VISITS_MAX {
        return limit_error("This query is too large to execute.");
    }
    if !check.errors.is_empty() || !has_limits {
        return check.errors;
    }
    if check.depth > DEPTH_MAX {
        return limit_error(&format!(
            "Query has depth of {}, which exceeds max depth of {DEPTH_MAX}",
            check.depth
        ));
    }
    if check.aliases > ALIASES_MAX {
        return limit_error(&format!(
            "Query has {} aliases, which exceeds max aliases of {ALIASES_MAX}",
            check.aliases
        ));
    }
    if check.directives > DIRECTIVES_MAX {
        return limit_error(&format!(
            "Query has {} directives, which exceeds max directives of {DIRECTIVES_MAX}",
            check.directives
        ));
    }
    if root == "Mutation" && operation.selections.len() > MUTATIONS_MAX {
        return limit_error(&format!(
            "Request has {} mutations, which exceeds max mutations of {MUTATIONS_MAX}",
            operation.selections.len()
        ));
    }
    let cost = complexity(document, &operation.selections, 0, &mut 0);
    if cost > COMPLEXITY_MAX {
        return limit_error(&format!(
            "Query has complexity of {cost}, which exceeds max complexity of {COMPLEXITY_MAX}"
        ));
    }
    Vec::new()
}
