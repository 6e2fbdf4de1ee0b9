//! Files that only their owner can read, opened so that no link redirects a write.

use std::{
    fs::{self, DirBuilder, File, Metadata, OpenOptions},
    io,
    path::Path,
};

/// Why a file cannot be used, with its path and the cure.
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

    /// `operation` is what failed, such as "be read".
    pub(crate) fn io(path: &Path, operation: &str, source: io::Error) -> Self {
        let cure = match source.kind() {
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => "free space on its file system, or raise the limit",
            io::ErrorKind::ReadOnlyFilesystem => {
                "choose a folder on a file system that is writable"
            }
            io::ErrorKind::PermissionDenied => {
                "allow the user of this process to read and write it"
            }
            io::ErrorKind::NotFound => {
                "check whether another program removes files from that folder"
            }
            _ => "check what is there and whether its file system works",
        };
        let path = path.display();
        Self {
            what: format!("{path} cannot {operation}: {cure}"),
            source: Some(source),
        }
    }

    /// Returns the text with that of its source.
    pub(crate) fn with_source(&self) -> String {
        match &self.source {
            Some(source) => format!("{self} ({source})"),
            None => self.to_string(),
        }
    }

    fn foreign(path: &Path, why: &str) -> Self {
        let path = path.display();
        Self::new(format!("{path} is rejected: {why}"))
    }
}

/// Opens a file, if there is one, that other users can neither read nor change.
pub(crate) fn open(path: &Path) -> Result<Option<File>, Failure> {
    open_narrowed(path, |_| false)
}

/// Opens a file that other users can neither read nor change, and creates it if it is missing.
pub(crate) fn open_or_create(path: &Path) -> Result<File, Failure> {
    open_or_create_narrowed(path, |_| false)
}

/// Does [`open`]. A file of this user that others can access, as a mount with `fsGroup` of Kubernetes
/// leaves it, is narrowed to mode 0600 where `is_harmless` says that what they may have written there
/// does no harm.
pub(crate) fn open_narrowed(
    path: &Path,
    is_harmless: impl FnOnce(&File) -> bool,
) -> Result<Option<File>, Failure> {
    let mut options = OpenOptions::new();
    open_with(options.read(true), path, "be read", is_harmless)
}

/// Does [`open_or_create`], and narrows a file as [`open_narrowed`] does.
pub(crate) fn open_or_create_narrowed(
    path: &Path,
    is_harmless: impl FnOnce(&File) -> bool,
) -> Result<File, Failure> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    open_with(&mut options, path, "be opened", is_harmless)?
        .ok_or_else(|| Failure::io(path, "be created", io::ErrorKind::NotFound.into()))
}

/// Creates a new file, which only this user can read from its first moment.
pub(crate) fn create_new(path: &Path) -> Result<File, Failure> {
    guarded(OpenOptions::new().write(true).create_new(true))
        .open(path)
        .map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => Failure::foreign(
                path,
                "there already is a file where a new one must be created; remove it",
            ),
            _ => Failure::io(path, "be created", error),
        })
}

/// Whether there is a file that only this user can read. Anything else in its place is an error.
pub(crate) fn is_there(path: &Path) -> Result<bool, Failure> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => check_file(path, &metadata).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Failure::io(path, "be inspected", error)),
    }
}

/// Whether there is a file of this user, whatever its mode. Anything else in its place is an error.
pub(crate) fn is_own(path: &Path) -> Result<bool, Failure> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => check_kind_and_owner(path, &metadata).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Failure::io(path, "be inspected", error)),
    }
}

/// Who may write to a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Folder {
    Missing,
    /// This user only.
    Private,
    /// This user, and a group, as a mount with `fsGroup` of Kubernetes leaves it (with the bit that
    /// passes the group on). The group may remove and exchange files there.
    Shared,
}

/// Creates the folder and its parents if they are missing. It belongs to this user.
pub(crate) fn make_folder(path: &Path) -> Result<Folder, Failure> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(path)
        .map_err(|error| Failure::io(path, "be created", error))?;
    match check_folder(path)? {
        Folder::Missing => {
            let missing = io::ErrorKind::NotFound.into();
            Err(Failure::io(path, "be created", missing))
        }
        folder => Ok(folder),
    }
}

/// Does [`make_folder`] for a folder to which no other user may write.
pub(crate) fn make_private_folder(path: &Path) -> Result<(), Failure> {
    match make_folder(path)? {
        Folder::Shared => check_mode(path, &inspect(path)?, WRITABLE_BY_OTHERS, "chmod go-w"),
        _ => Ok(()),
    }
}

/// Inspects a folder. It is an error if it belongs to another user, if everybody may write to it, or if
/// a group may and the folder lacks the set-group-ID bit, which a mount sets.
pub(crate) fn check_folder(path: &Path) -> Result<Folder, Failure> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Folder::Missing),
        Err(error) => return Err(Failure::io(path, "be inspected", error)),
    };
    if !metadata.is_dir() {
        return Err(Failure::foreign(path, "it is not a folder; choose another"));
    }
    check_owner(path, &metadata)?;
    if is_shared_by_mount(&metadata) {
        return Ok(Folder::Shared);
    }
    check_mode(path, &metadata, WRITABLE_BY_OTHERS, "chmod go-w")?;
    Ok(Folder::Private)
}

/// Makes renames and removals in the folder permanent, also after a crash.
pub(crate) fn sync_folder(path: &Path) -> Result<(), Failure> {
    // Elsewhere a folder cannot be opened as a file.
    if cfg!(unix) {
        File::open(path)
            .and_then(|folder| folder.sync_all())
            .map_err(|error| Failure::io(path, "be synced", error))?;
    }
    Ok(())
}

/// Whether the open file is the one at this path.
pub(crate) fn has_name(file: &File, path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let (Ok(open), Ok(named)) = (file.metadata(), fs::symlink_metadata(path)) else {
            return false;
        };
        open.dev() == named.dev() && open.ino() == named.ino()
    }
    // On these platforms an open file keeps its name.
    #[cfg(not(unix))]
    {
        let _ = file;
        path.exists()
    }
}

fn open_with(
    options: &mut OpenOptions,
    path: &Path,
    operation: &str,
    is_harmless: impl FnOnce(&File) -> bool,
) -> Result<Option<File>, Failure> {
    let file = match guarded(options).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            // Reports what is in the way, if that is known.
            is_there(path)?;
            return Err(Failure::io(path, operation, error));
        }
    };
    let metadata = file
        .metadata()
        .map_err(|error| Failure::io(path, "be inspected", error))?;
    if let Err(failure) = check_file(path, &metadata) {
        check_kind_and_owner(path, &metadata)?;
        if has_other_names(&metadata) || !is_harmless(&file) {
            return Err(failure);
        }
        // It does no harm either where the mode cannot be set, as on a read-only file system.
        let _ = narrow(&file);
    }
    Ok(Some(file))
}

fn inspect(path: &Path) -> Result<Metadata, Failure> {
    fs::metadata(path).map_err(|error| Failure::io(path, "be inspected", error))
}

/// Sets options that follow no link, do not wait for the other end of a pipe, and create private files.
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
        // FILE_FLAG_OPEN_REPARSE_POINT opens the link itself, which then is not a regular file.
        options.custom_flags(0x0020_0000);
    }
    options
}

fn check_file(path: &Path, metadata: &Metadata) -> Result<(), Failure> {
    check_kind_and_owner(path, metadata)?;
    check_mode(path, metadata, OPEN_TO_OTHERS, "remove it, or chmod go=")
}

fn check_kind_and_owner(path: &Path, metadata: &Metadata) -> Result<(), Failure> {
    if !metadata.is_file() {
        let why = "it is a link, a folder or a device instead of a file; remove it";
        return Err(Failure::foreign(path, why));
    }
    check_owner(path, metadata)
}

#[cfg(unix)]
fn is_shared_by_mount(metadata: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    metadata.mode() & SHARED_BY_MOUNT == SHARED_BY_MOUNT && metadata.mode() & 0o002 == 0
}

#[cfg(not(unix))]
fn is_shared_by_mount(_: &Metadata) -> bool {
    false
}

/// Whether the file is in another place, too, where its mode may be meant.
#[cfg(unix)]
fn has_other_names(metadata: &Metadata) -> bool {
    std::os::unix::fs::MetadataExt::nlink(metadata) > 1
}

#[cfg(not(unix))]
fn has_other_names(_: &Metadata) -> bool {
    true
}

#[cfg(unix)]
fn narrow(file: &File) -> io::Result<()> {
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))
}

#[cfg(not(unix))]
fn narrow(_: &File) -> io::Result<()> {
    Ok(())
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
    let mount = if metadata.mode() & bits & 0o070 == 0 {
        ""
    } else {
        ". If fsGroup of Kubernetes sets it at each mount, set fsGroupChangePolicy: OnRootMismatch, \
         and use a folder below the mount"
    };
    let why = format!("its mode {mode:o} gives other users access; {cure}{mount}");
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

/// Writable by the group, with the set-group-ID bit.
#[cfg(unix)]
const SHARED_BY_MOUNT: u32 = 0o2020;
