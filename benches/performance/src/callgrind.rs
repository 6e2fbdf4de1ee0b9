//! Runs this program under valgrind's callgrind, and reads what it writes.

use std::{env, fs, path::Path, process::Command};

use performance::Result;

/// The cost of one call of [`measured`].
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    pub instructions: i64,
    pub allocations: i64,
}

/// Runs `work`, whose cost callgrind writes to a file of its own.
#[inline(never)]
pub fn measured(work: &mut dyn FnMut()) {
    work();
}

/// Returns the costs of the calls of [`measured`] by this program with these arguments.
pub fn under_callgrind(arguments: &[&str]) -> Result<Vec<Cost>> {
    let options = [MEASURED, DUMPED].map(|option| format!("{option}=*callgrind::measured"));
    let folder = run(&options, arguments)?;
    let costs: Result<Vec<_>> = (1..)
        .map(|number| folder.join(format!("out.{number}")))
        .map_while(|path| fs::read_to_string(path).ok())
        .filter(|text| text.contains("Trigger: --dump-after"))
        .map(|text| cost(&text))
        .collect();
    let costs = costs?;
    if costs.is_empty() {
        return Err("callgrind has measured nothing".into());
    }
    Ok(costs)
}

/// Returns the instructions of the whole program with these arguments.
pub fn total(arguments: &[&str]) -> Result<i64> {
    let folder = run(&[], arguments)?;
    Ok(cost(&fs::read_to_string(folder.join("out"))?)?.instructions)
}

fn run(options: &[String], arguments: &[&str]) -> Result<std::path::PathBuf> {
    let program = env::current_exe()?;
    let folder = program.with_extension("callgrind");
    // From the run before.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir(&folder)?;
    let out = folder.join("out");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--compress-strings=no", "--quiet"])
        .arg(format!("--callgrind-out-file={}", Path::display(&out)))
        .args(options)
        .arg(&program)
        .args(arguments)
        .output()?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{arguments:?} failed: {text}").into());
    }
    Ok(folder)
}

/// Reads a file of callgrind.
fn cost(text: &str) -> Result<Cost> {
    let (mut instructions, mut allocations) = (None, 0);
    let mut callee = "";
    for line in text.lines() {
        if let Some(number) = line.strip_prefix("totals: ") {
            instructions = Some(number.trim().parse()?);
        } else if let Some(name) = line.strip_prefix("cfn=") {
            callee = name;
        } else if let Some(calls) = line.strip_prefix("calls=")
            && ALLOCATORS.contains(&callee)
        {
            allocations += calls.split(' ').next().unwrap_or_default().parse::<i64>()?;
        }
    }
    Ok(Cost {
        instructions: instructions.ok_or("a file of callgrind has no total")?,
        allocations,
    })
}

const MEASURED: &str = "--toggle-collect";
const DUMPED: &str = "--dump-after";

/// What Rust's allocator calls.
const ALLOCATORS: [&str; 5] = [
    "malloc",
    "calloc",
    "realloc",
    "posix_memalign",
    "aligned_alloc",
];
