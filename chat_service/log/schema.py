"""The tables, as numbered migrations, and the marks that tell whose file it is.

A data file is ours when its `application_id` is; its `user_version` counts the
migrations that it has had. A file of a newer version, of another program, or a
damaged one is refused and left untouched.
"""

import sqlite3

# "CHAT" in ASCII.
APPLICATION_ID = 0x43484154

MIGRATIONS: tuple[str, ...] = (
    # 1: the first shape
    """
    CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE names (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE users (
        user_id INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        created_ms INTEGER NOT NULL
    );
    CREATE TABLE sessions (
        session_id INTEGER PRIMARY KEY,
        user_id INTEGER NOT NULL,
        token_hash BLOB NOT NULL,
        instance TEXT NOT NULL,
        attachment INTEGER NOT NULL,
        until_ms INTEGER NOT NULL
    );
    CREATE TABLE rooms (
        room_id INTEGER PRIMARY KEY,
        kind INTEGER NOT NULL,
        name TEXT NOT NULL,
        topic TEXT NOT NULL,
        opener_id INTEGER NOT NULL,
        created_ms INTEGER NOT NULL,
        member_ids TEXT NOT NULL,
        member_names TEXT NOT NULL
    );
    CREATE TABLE heads (room_id INTEGER PRIMARY KEY, seq INTEGER NOT NULL);
    CREATE TABLE members (
        room_id INTEGER NOT NULL,
        user_id INTEGER NOT NULL,
        joined_ms INTEGER NOT NULL,
        UNIQUE (room_id, user_id)
    );
    CREATE TABLE room_events (
        room_id INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        time_ms INTEGER NOT NULL,
        kind INTEGER NOT NULL,
        author_id INTEGER NOT NULL,
        author_name TEXT NOT NULL,
        text TEXT NOT NULL,
        client_msg_id TEXT NOT NULL,
        PRIMARY KEY (room_id, seq)
    ) WITHOUT ROWID;
    CREATE TABLE first_answers (
        user_id INTEGER NOT NULL,
        client_msg_id TEXT NOT NULL,
        room_id INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        time_ms INTEGER NOT NULL,
        request_hash BLOB NOT NULL,
        PRIMARY KEY (user_id, client_msg_id)
    ) WITHOUT ROWID;
    """,
    # 2: retention. Rooms that were forgotten before have left their events behind; the
    # room ids among the events are found one by one, not by reading them all.
    """
    CREATE TABLE firsts (room_id INTEGER PRIMARY KEY, seq INTEGER NOT NULL);
    CREATE TABLE leftovers (room_id INTEGER PRIMARY KEY, seq INTEGER NOT NULL);
    CREATE TABLE orphan_answers (
        time_ms INTEGER NOT NULL,
        user_id INTEGER NOT NULL,
        client_msg_id TEXT NOT NULL,
        PRIMARY KEY (time_ms, user_id, client_msg_id)
    ) WITHOUT ROWID;
    WITH RECURSIVE stored (room_id) AS (
        SELECT min(room_id) FROM room_events
        UNION ALL
        SELECT (SELECT min(room_id) FROM room_events WHERE room_id > stored.room_id)
        FROM stored WHERE stored.room_id IS NOT NULL
    )
    INSERT INTO leftovers
    SELECT room_id, (SELECT max(seq) FROM room_events AS e WHERE e.room_id = stored.room_id)
    FROM stored
    WHERE room_id IS NOT NULL AND room_id NOT IN (SELECT room_id FROM rooms);
    """,
    # 3: accounts, private rooms, moderation. 9007199254740991 is FOREVER_MS; sessions of
    # before may do everything, as [1, 2, 3, 4, 5, 6] says.
    """
    ALTER TABLE users ADD COLUMN account INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE users ADD COLUMN bot INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE sessions ADD COLUMN created_ms INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE sessions ADD COLUMN expires_ms INTEGER NOT NULL DEFAULT 9007199254740991;
    ALTER TABLE sessions ADD COLUMN client TEXT NOT NULL DEFAULT '';
    ALTER TABLE sessions ADD COLUMN address TEXT NOT NULL DEFAULT '';
    ALTER TABLE sessions ADD COLUMN scopes TEXT NOT NULL DEFAULT '[1, 2, 3, 4, 5, 6]';
    ALTER TABLE sessions ADD COLUMN api_token INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE sessions ADD COLUMN parent_id INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE rooms ADD COLUMN description TEXT NOT NULL DEFAULT '';
    ALTER TABLE rooms ADD COLUMN archived INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE rooms ADD COLUMN slow_mode_ms INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE rooms ADD COLUMN history INTEGER NOT NULL DEFAULT 1;
    ALTER TABLE rooms ADD COLUMN topic_locked INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE rooms ADD COLUMN password_hash TEXT NOT NULL DEFAULT '';
    ALTER TABLE members ADD COLUMN role INTEGER NOT NULL DEFAULT 1;
    ALTER TABLE members ADD COLUMN from_seq INTEGER NOT NULL DEFAULT 1;
    ALTER TABLE members ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
    UPDATE members SET number = rowid;
    INSERT INTO counters SELECT 'member', max(rowid) FROM members HAVING max(rowid) IS NOT NULL;
    ALTER TABLE room_events ADD COLUMN bot INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE accounts (
        user_id INTEGER PRIMARY KEY,
        password_hash TEXT NOT NULL,
        created_ms INTEGER NOT NULL,
        admin INTEGER NOT NULL,
        owner_id INTEGER NOT NULL,
        fast INTEGER NOT NULL,
        deactivated INTEGER NOT NULL
    );
    CREATE TABLE blocks (
        user_id INTEGER NOT NULL,
        blocked_id INTEGER NOT NULL,
        time_ms INTEGER NOT NULL,
        PRIMARY KEY (user_id, blocked_id)
    ) WITHOUT ROWID;
    CREATE TABLE user_bans (
        name TEXT PRIMARY KEY COLLATE NOCASE,
        until_ms INTEGER NOT NULL,
        by_id INTEGER NOT NULL,
        by_name TEXT NOT NULL,
        reason TEXT NOT NULL,
        time_ms INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE network_bans (
        network TEXT PRIMARY KEY,
        until_ms INTEGER NOT NULL,
        by_id INTEGER NOT NULL,
        by_name TEXT NOT NULL,
        reason TEXT NOT NULL,
        time_ms INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE invites (
        invite_id INTEGER PRIMARY KEY,
        code_hash BLOB NOT NULL,
        room_id INTEGER NOT NULL,
        uses_left INTEGER NOT NULL,
        until_ms INTEGER NOT NULL,
        creator_id INTEGER NOT NULL,
        creator_name TEXT NOT NULL
    );
    CREATE TABLE restrictions (
        room_id INTEGER NOT NULL,
        user_id INTEGER NOT NULL,
        banned_until_ms INTEGER NOT NULL,
        muted_until_ms INTEGER NOT NULL,
        by_id INTEGER NOT NULL,
        by_name TEXT NOT NULL,
        reason TEXT NOT NULL,
        PRIMARY KEY (room_id, user_id)
    ) WITHOUT ROWID;
    CREATE TABLE invitations (
        room_id INTEGER NOT NULL,
        user_id INTEGER NOT NULL,
        inviter_id INTEGER NOT NULL,
        inviter_name TEXT NOT NULL,
        time_ms INTEGER NOT NULL,
        PRIMARY KEY (room_id, user_id)
    ) WITHOUT ROWID;
    CREATE TABLE spoke (
        room_id INTEGER NOT NULL,
        user_id INTEGER NOT NULL,
        time_ms INTEGER NOT NULL,
        PRIMARY KEY (room_id, user_id)
    ) WITHOUT ROWID;
    CREATE TABLE audit (
        audit_id INTEGER PRIMARY KEY,
        time_ms INTEGER NOT NULL,
        actor_id INTEGER NOT NULL,
        actor_name TEXT NOT NULL,
        action TEXT NOT NULL,
        room_id INTEGER NOT NULL,
        room_name TEXT NOT NULL,
        target_id INTEGER NOT NULL,
        target_name TEXT NOT NULL,
        details TEXT NOT NULL,
        until_ms INTEGER NOT NULL,
        reason TEXT NOT NULL
    );
    CREATE INDEX audit_of_room ON audit (room_id, audit_id);
    """,
)


class DataFileError(Exception):
    """A data file cannot be used. The text is one line that names file and remedy."""


def version_of(connection: sqlite3.Connection, path: str) -> int:
    """Return how many migrations the file has had; 0 for a new one.

    Raises DataFileError when the file is of another program or of a newer version.
    """
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    version: int
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (objects,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application_id != APPLICATION_ID and (objects or version or application_id):
        raise DataFileError(
            f"{path} belongs to another program: name another data directory, or move it away"
        )
    if version > len(MIGRATIONS):
        raise DataFileError(
            f"{path} was written by a newer version of chat-server: install that version"
        )
    return version


def migrate(connection: sqlite3.Connection, path: str) -> None:
    """Bring the file to the newest shape, each migration in its own transaction.

    Raises DataFileError, without having written, as `version_of`.
    """
    version = version_of(connection, path)
    for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
        connection.executescript(
            f"BEGIN IMMEDIATE; {script} PRAGMA application_id = {APPLICATION_ID}; "
            f"PRAGMA user_version = {number}; COMMIT;"
        )
