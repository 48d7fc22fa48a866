//! A plan for people.

use model::System;

use super::file::{Counts, CoursePlan, PlanFile};
use crate::show::line;

pub(super) fn plan(made: &PlanFile) {
    for course in &made.courses {
        of_course(course);
    }
    if !made.surprising.is_empty() {
        line("What may surprise most:");
    }
    for item in &made.surprising {
        line(&format!(
            "    {} {} in {}: \"{}\" ({})",
            item.action.as_str(),
            item.kind,
            item.system.title(),
            item.title,
            item.why
        ));
    }
    let all: u64 = made.calls.values().sum();
    let minutes = made.takes_ms / 60_000;
    line(&format!(
        "About {all} API calls; done after about {minutes} min {} s.",
        made.takes_ms / 1_000 % 60
    ));
}

fn of_course(course: &CoursePlan) {
    let state = if course.is_accepted {
        "accepted before"
    } else {
        "new: nothing is written before this plan is accepted"
    };
    line(&format!("{} ({state})", course.title));
    line("                create    edit  delete    move restore");
    for system in System::REMOTE {
        let Counts {
            create,
            edit,
            delete,
            restore,
            r#move,
        } = course.writes.get(&system).copied().unwrap_or_default();
        line(&format!(
            "    {:<10}{create:>8}{edit:>8}{delete:>8}{:>8}{restore:>8}",
            system.title(),
            r#move
        ));
    }
    let skipped: u64 = course.skipped.values().sum();
    line(&format!("    skip      {skipped:>8}"));
    for (name, count) in &course.skipped {
        line(&format!("        {count} {name}"));
    }
    if course.open_matches > 0 {
        line(&format!(
            "    {} matches wait for you: antiphon match list",
            course.open_matches
        ));
    }
    for (system, people) in &course.people {
        match people {
            Some(0) => {}
            Some(count) => line(&format!(
                "    {} may tell up to {count} people of what is created; Antiphon cannot stop that.",
                system.title()
            )),
            None => line(&format!(
                "    {} may tell people of what is created; how many is not known.",
                system.title()
            )),
        }
    }
}
