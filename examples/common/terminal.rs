//! What the examples print: wrapped to the terminal's width, and with one kind of help.
#![allow(
    clippy::duplicate_mod,
    dead_code,
    reason = "the examples share it, and not all use all of it"
)]

use std::{
    error::Error as StdError,
    fmt::Display,
    io::{self, Stdout, Write},
    process::ExitCode,
    time::Duration,
};

use genesys_cloud_auth::Error;
use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm};

/// What a program does, its arguments, and what they are.
pub(crate) struct Help {
    pub(crate) about: &'static str,
    pub(crate) arguments: &'static str,
    pub(crate) rows: &'static [(&'static str, &'static str)],
}

/// Runs a program with its arguments, or shows its help. Shows an error. If the reader of the output has
/// stopped, as `head` does, the program ends quietly.
pub(crate) async fn run(
    help: &Help,
    program: impl AsyncFnOnce(&mut Output, &[String]) -> Result<(), Box<dyn StdError>>,
) -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let out = &mut Output::standard();
    let wants_help = |argument: &String| matches!(argument.as_str(), "--help" | "-h");
    let result = if arguments.iter().any(wants_help) {
        help.show(out).map_err(Into::into)
    } else {
        program(out, &arguments).await
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_closed_output(&*error) => ExitCode::SUCCESS,
        Err(error) => {
            // There is no other place to report it.
            let _ = Output::new(io::stderr(), textwrap::termwidth()).error(&*error);
            ExitCode::FAILURE
        }
    }
}

fn is_closed_output(error: &(dyn StdError + 'static)) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

impl Help {
    fn show(&self, out: &mut Output) -> io::Result<()> {
        out.text(self.about)?;
        out.text(format_args!("\nArguments: {}\n", self.arguments))?;
        let help = ("-h, --help", "shows this");
        let mut rows = self.rows.iter().chain([&help]);
        rows.try_for_each(|(name, text)| out.row(name, text))
    }

    /// The error for other arguments than the program has.
    pub(crate) fn wrong_arguments(&self) -> Box<dyn StdError> {
        format!("the arguments are {}; --help explains them", self.arguments).into()
    }
}

/// An output, and the width of its terminal.
pub(crate) struct Output<W = Stdout> {
    to: W,
    columns: usize,
}

impl Output {
    /// The standard output. Where it is no terminal, it has 80 columns.
    fn standard() -> Self {
        Self::new(io::stdout(), textwrap::termwidth())
    }
}

impl<W: Write> Output<W> {
    pub(crate) fn new(to: W, columns: usize) -> Self {
        Self { to, columns }
    }

    /// Prints a text.
    pub(crate) fn text(&mut self, text: impl Display) -> io::Result<()> {
        self.wrapped("", "", text)
    }

    /// Prints the title of a section.
    pub(crate) fn heading(&mut self, title: impl Display) -> io::Result<()> {
        self.text(format_args!("\n{title}"))
    }

    /// Prints a name, and a text in a column next to it.
    pub(crate) fn row(&mut self, name: &str, text: impl Display) -> io::Result<()> {
        let (start, indent) = (format!("  {name:<17} "), " ".repeat(20));
        self.wrapped(&start, &indent, text)
    }

    /// Prints what must not be wrapped, such as an address that is copied.
    pub(crate) fn verbatim(&mut self, text: impl Display) -> io::Result<()> {
        writeln!(self.to, "{text}")
    }

    /// Prints what failed, and what to do about it.
    pub(crate) fn failure(&mut self, error: &Error) -> io::Result<()> {
        self.row("error", error)?;
        self.resolution(error)
    }

    fn resolution(&mut self, error: &Error) -> io::Result<()> {
        let Some(help) = error.troubleshooting() else {
            return Ok(());
        };
        self.row("issue", help.issue())?;
        self.row("likely cause", help.likely_cause())?;
        self.row("resolution", help.resolution())
    }

    /// Prints why the program failed.
    pub(crate) fn error(&mut self, error: &(dyn StdError + 'static)) -> io::Result<()> {
        self.text(format_args!("\nError: {error}"))?;
        match error.downcast_ref() {
            Some(error) => self.resolution(error),
            None => Ok(()),
        }
    }

    /// Breaks lines at spaces only, so that words and addresses can be copied.
    fn wrapped(&mut self, start: &str, indent: &str, text: impl Display) -> io::Result<()> {
        let options = Options::new(self.columns)
            .initial_indent(start)
            .subsequent_indent(indent)
            .break_words(false)
            .word_separator(WordSeparator::AsciiSpace)
            .word_splitter(WordSplitter::NoHyphenation)
            .wrap_algorithm(WrapAlgorithm::FirstFit);
        let text = text.to_string();
        let lines = textwrap::wrap(&text, options);
        lines.iter().try_for_each(|line| self.verbatim(line))
    }
}

pub(crate) fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1_000.0)
}
