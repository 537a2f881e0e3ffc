//! Folders, links and programs of other users. What only root can set up is tested when root runs the tests.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;

use unibooks::db::private::{Options, PrivatePostgres, PrivatePostgresError};

use super::{options, temporary_folder};

/// A user id that no machine of ours has.
const STRANGER: u32 = 12_345;

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("a mode");
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Starts on a folder that must be refused because of `at`, before anything is created.
async fn refused(data_dir: &Path, at: &Path) {
    let before = fs::read_dir(data_dir).map(Iterator::count).ok();
    let error = PrivatePostgres::start(options(data_dir)).await.expect_err("others can change it");
    let PrivatePostgresError::Untrusted { untrusted, .. } = &error else { panic!("{error:?}") };
    assert_eq!(untrusted.path, at.canonicalize().expect("a path"));
    assert!(error.to_string().contains("UNIBOOKS_DATA_DIR"), "{error}");
    assert_eq!(fs::read_dir(data_dir).map(Iterator::count).ok(), before, "nothing was made");
}

#[tokio::test]
async fn data_folder_that_others_can_write_is_refused() {
    let folder = temporary_folder();
    let data_dir = folder.path().join("data");
    // A folder that exists, even with the sticky bit; and one that is still to be created, below another.
    fs::create_dir(&data_dir).expect("a folder");
    for mode in [0o707, 0o1777] {
        set_mode(&data_dir, mode);
        refused(&data_dir, &data_dir).await;
    }
    set_mode(&data_dir, 0o700);
    set_mode(folder.path(), 0o707);
    refused(&data_dir, folder.path()).await;
    refused(&folder.path().join("new/data"), folder.path()).await;
    assert!(!folder.path().join("new").exists());
}

#[tokio::test]
async fn data_folder_of_another_user_is_refused() {
    if !is_root() {
        return;
    }
    let folder = temporary_folder();
    let (foreign, data_dir) = (folder.path().join("foreign"), folder.path().join("foreign/data"));
    fs::create_dir_all(&data_dir).expect("a folder");
    chown(&data_dir, Some(STRANGER), None).expect("given away");
    refused(&data_dir, &data_dir).await;
    chown(&foreign, Some(STRANGER), None).expect("given away");
    chown(&data_dir, Some(0), None).expect("taken back");
    refused(&data_dir, &foreign).await;
    refused(&foreign.join("new"), &foreign).await;
    // A link to it is refused too.
    let link = folder.path().join("link");
    symlink(&foreign, &link).expect("a link");
    refused(&link.join("data"), &foreign).await;
    // A group counts as another user.
    let shared = folder.path().join("shared");
    fs::create_dir(&shared).expect("a folder");
    chown(&shared, None, Some(STRANGER)).expect("given away");
    set_mode(&shared, 0o770);
    refused(&shared, &shared).await;
}

#[tokio::test]
async fn no_file_is_written_through_a_link() {
    for name in ["lock", "postgres.log"] {
        let folder = temporary_folder();
        let (data_dir, target) = (folder.path().join("data"), folder.path().join("target"));
        fs::create_dir(&data_dir).expect("a folder");
        set_mode(&data_dir, 0o711);
        symlink(&target, data_dir.join(name)).expect("a link");
        let error = PrivatePostgres::start(options(&data_dir)).await.expect_err("a link");
        assert!(matches!(&error, PrivatePostgresError::Io { path, .. } if path.ends_with(name)), "{error:?}");
        assert!(!target.exists(), "{name} was made elsewhere");
        // A file that exists keeps its content.
        fs::write(&target, "theirs").expect("written");
        PrivatePostgres::start(options(&data_dir)).await.expect_err("a link");
        assert_eq!(fs::read_to_string(&target).expect("a file"), "theirs", "{name}");
    }
}

/// Makes two programs that record the user who runs them, in a folder that all users can write.
fn curious_programs(folder: &Path) {
    let runs = folder.join("runs");
    fs::create_dir(&runs).expect("a folder");
    set_mode(&runs, 0o1777);
    let text = format!("#!/bin/sh\nid -u >> {}/$(basename $0)\necho 'postgres (PostgreSQL) 17.1'\n", runs.display());
    for program in ["postgres", "initdb"] {
        fs::write(folder.join(program), &text).expect("written");
        set_mode(&folder.join(program), 0o755);
    }
}

#[tokio::test]
async fn no_postgres_program_runs_as_root() {
    let (folder, data) = (temporary_folder(), temporary_folder());
    curious_programs(folder.path());
    let options = Options { binaries: Some(folder.path().to_owned()), ..options(&data.path().join("data")) };
    PrivatePostgres::start(options).await.expect_err("that was no initdb");
    for program in ["postgres", "initdb"] {
        let users = fs::read_to_string(folder.path().join("runs").join(program)).expect("it was asked");
        assert!(users.lines().all(|uid| uid != "0"), "{program}: {users}");
    }
}

#[tokio::test]
async fn root_runs_no_program_that_others_can_write() {
    if !is_root() {
        return;
    }
    let (folder, data) = (temporary_folder(), temporary_folder());
    curious_programs(folder.path());
    let refused = async || {
        let options = Options { binaries: Some(folder.path().to_owned()), ..options(&data.path().join("data")) };
        let error = PrivatePostgres::start(options).await.expect_err("a program of another user");
        assert!(matches!(error, PrivatePostgresError::BinariesUnusable(_)), "{error:?}");
        assert!(!folder.path().join("runs/postgres").exists(), "it was run");
        error.to_string()
    };
    chown(folder.path().join("initdb"), Some(STRANGER), None).expect("given away");
    assert!(refused().await.contains("initdb: it belongs to the user with the id 12345"));
    chown(folder.path().join("initdb"), Some(0), None).expect("taken back");
    set_mode(folder.path(), 0o777);
    assert!(refused().await.contains("everybody can write it"));
}
