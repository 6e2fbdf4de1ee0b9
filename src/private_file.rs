//! Files that belong to this user alone, opened so that nobody can lead a write astray.

use std::{
    fs::{self, DirBuilder, File, Metadata, OpenOptions},
    io,
    path::Path,
};

/// What a file could not be used for, with its path and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub(crate) struct Failure {
    what: String,
    source: Option<io::Error>,
}

impl Failure {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            source: None,
        }
    }

    /// `doing` is what was tried with the file: "be read".
    pub(crate) fn io(path: &Path, doing: &str, source: io::Error) -> Self {
        let cure = match source.kind() {
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => "make room on its file system, or raise the limit",
            io::ErrorKind::ReadOnlyFilesystem => {
                "choose a folder on a file system that is written to"
            }
            io::ErrorKind::PermissionDenied => "let the user of this process read and write it",
            io::ErrorKind::NotFound => "see whether somebody removes files of that folder",
            _ => "see what is there and whether its file system works",
        };
        let path = path.display();
        Self {
            what: format!("{path} cannot {doing}: {cure}"),
            source: Some(source),
        }
    }

    /// With the words of the machine.
    pub(crate) fn in_full(&self) -> String {
        match &self.source {
            Some(source) => format!("{self} ({source})"),
            None => self.to_string(),
        }
    }

    fn foreign(path: &Path, why: &str) -> Self {
        let path = path.display();
        Self::new(format!("{path} is not used: {why}"))
    }
}

/// Opens a file that nobody else may change, nor read, where there is one.
pub(crate) fn open(path: &Path) -> Result<Option<File>, Failure> {
    open_with(OpenOptions::new().read(true), path, "be read")
}

/// Opens a file that nobody else may change, nor read, and makes it where there is none.
pub(crate) fn open_or_create(path: &Path) -> Result<File, Failure> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    open_with(&mut options, path, "be opened")?
        .ok_or_else(|| Failure::io(path, "be made", io::ErrorKind::NotFound.into()))
}

/// Makes a file that was not there, for this user alone from its first moment.
pub(crate) fn create_new(path: &Path) -> Result<File, Failure> {
    guarded(OpenOptions::new().write(true).create_new(true))
        .open(path)
        .map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => {
                Failure::foreign(path, "something is in the place of a new file; remove it")
            }
            _ => Failure::io(path, "be made", error),
        })
}

/// Whether there is a file, of this user and for this user alone. Anything else is an error.
pub(crate) fn is_there(path: &Path) -> Result<bool, Failure> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => judge(path, &metadata).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Failure::io(path, "be looked at", error)),
    }
}

/// Makes the folder, and those above it, where there is none; it is of this user, and nobody else
/// may write to it.
pub(crate) fn make_folder(path: &Path) -> Result<(), Failure> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(path)
        .map_err(|error| Failure::io(path, "be made", error))?;
    if check_folder(path)? {
        return Ok(());
    }
    Err(Failure::io(path, "be made", io::ErrorKind::NotFound.into()))
}

/// Whether there is a folder. One of another user, or that others may write to, is an error.
pub(crate) fn check_folder(path: &Path) -> Result<bool, Failure> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(Failure::io(path, "be looked at", error)),
    };
    if !metadata.is_dir() {
        return Err(Failure::foreign(path, "it is no folder; choose another"));
    }
    check_owner(path, &metadata)?;
    check_mode(path, &metadata, WRITABLE_BY_OTHERS, "chmod go-w")?;
    Ok(true)
}

/// Makes sure that what was renamed or removed in the folder stays so after a crash.
pub(crate) fn sync_folder(path: &Path) -> Result<(), Failure> {
    // Elsewhere a folder cannot be opened as a file.
    if cfg!(unix) {
        File::open(path)
            .and_then(|folder| folder.sync_all())
            .map_err(|error| Failure::io(path, "be synced", error))?;
    }
    Ok(())
}

/// Whether the file that is open is the one that has the name.
pub(crate) fn has_name(file: &File, path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let (Ok(open), Ok(named)) = (file.metadata(), fs::symlink_metadata(path)) else {
            return false;
        };
        open.dev() == named.dev() && open.ino() == named.ino()
    }
    // There an open file keeps its name.
    #[cfg(not(unix))]
    {
        let _ = file;
        path.exists()
    }
}

fn open_with(options: &mut OpenOptions, path: &Path, doing: &str) -> Result<Option<File>, Failure> {
    let file = match guarded(options).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            // Says what is in the way, where that is known.
            is_there(path)?;
            return Err(Failure::io(path, doing, error));
        }
    };
    let metadata = file
        .metadata()
        .map_err(|error| Failure::io(path, "be looked at", error))?;
    judge(path, &metadata)?;
    Ok(Some(file))
}

/// Follows no link at the name and waits for no other end of a pipe; what is made is for this user.
fn guarded(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt;
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        options.mode(0o600).custom_flags(flags.bits().cast_signed());
    }
    #[cfg(windows)]
    {
        use std::os::windows::fs::OpenOptionsExt;
        // FILE_FLAG_OPEN_REPARSE_POINT: the link itself is opened, and then is no regular file.
        options.custom_flags(0x0020_0000);
    }
    options
}

fn judge(path: &Path, metadata: &Metadata) -> Result<(), Failure> {
    if !metadata.is_file() {
        let why = "it is a link, a folder or a device where a file was expected; remove it";
        return Err(Failure::foreign(path, why));
    }
    check_owner(path, metadata)?;
    check_mode(path, metadata, OPEN_TO_OTHERS, "remove it, or chmod go=")
}

#[cfg(unix)]
fn check_owner(path: &Path, metadata: &Metadata) -> Result<(), Failure> {
    use std::os::unix::fs::MetadataExt;
    if metadata.uid() == rustix::process::geteuid().as_raw() {
        return Ok(());
    }
    let why = "it belongs to another user; remove it, or choose another place";
    Err(Failure::foreign(path, why))
}

#[cfg(unix)]
fn check_mode(path: &Path, metadata: &Metadata, bits: u32, cure: &str) -> Result<(), Failure> {
    use std::os::unix::fs::MetadataExt;
    if metadata.mode() & bits == 0 {
        return Ok(());
    }
    let mode = metadata.mode() & 0o7777;
    let why = format!("its mode {mode:o} lets other users in; {cure}");
    Err(Failure::foreign(path, &why))
}

#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps, reason = "as it is on Unix")]
fn check_owner(_: &Path, _: &Metadata) -> Result<(), Failure> {
    Ok(())
}

#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps, reason = "as it is on Unix")]
fn check_mode(_: &Path, _: &Metadata, _: u32, _: &str) -> Result<(), Failure> {
    Ok(())
}

const OPEN_TO_OTHERS: u32 = 0o077;
const WRITABLE_BY_OTHERS: u32 = 0o022;
