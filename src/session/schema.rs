//! The schema of what is kept.
//!
//! A pair that was shown a thousand times stands once in `pair`, by its digest; `evidence` says which exchange showed it,
//! at which rank and with which scores. `said` has what each run said and when, a row for each time that it was written;
//! exchanges that are older than the table have none. The word indexes hold no text of their own: they follow their tables by triggers.

use crate::sqlite::Kind;

/// The kind of file that it is.
pub(super) const KIND: Kind = Kind {
    name: "session store",
    // "DFQS".
    application_id: 0x4446_5153,
    migrations: &[
        "
    CREATE TABLE session (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT,
        created_ms INTEGER NOT NULL,
        updated_ms INTEGER NOT NULL,
        deleted_ms INTEGER
    ) STRICT;
    CREATE INDEX session_by_update ON session (deleted_ms IS NOT NULL, updated_ms);

    CREATE TABLE exchange (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        session INTEGER NOT NULL REFERENCES session (id),
        asked_ms INTEGER NOT NULL,
        phase TEXT NOT NULL,
        outcome TEXT,
        question TEXT NOT NULL,
        answer TEXT NOT NULL,
        error TEXT,
        note TEXT,
        citations TEXT NOT NULL,
        usage TEXT,
        limits TEXT,
        setup TEXT NOT NULL,
        trace TEXT NOT NULL
    ) STRICT;
    CREATE INDEX exchange_by_session ON exchange (session, id);

    CREATE TABLE pair (
        id INTEGER PRIMARY KEY,
        digest BLOB NOT NULL UNIQUE,
        question TEXT NOT NULL,
        answer TEXT NOT NULL,
        rest TEXT NOT NULL
    ) STRICT;
    CREATE TABLE evidence (
        exchange INTEGER NOT NULL REFERENCES exchange (id),
        rank INTEGER NOT NULL,
        pair INTEGER NOT NULL REFERENCES pair (id),
        scores TEXT NOT NULL,
        PRIMARY KEY (exchange, rank)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX evidence_by_pair ON evidence (pair, exchange);

    CREATE VIRTUAL TABLE exchange_words USING fts5 (
        question, answer, content = 'exchange', content_rowid = 'id',
        tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3'
    );
    CREATE TRIGGER exchange_added AFTER INSERT ON exchange BEGIN
        INSERT INTO exchange_words (rowid, question, answer) VALUES (new.id, new.question, new.answer);
    END;
    CREATE TRIGGER exchange_removed AFTER DELETE ON exchange BEGIN
        INSERT INTO exchange_words (exchange_words, rowid, question, answer)
        VALUES ('delete', old.id, old.question, old.answer);
    END;
    CREATE TRIGGER exchange_changed AFTER UPDATE OF question, answer ON exchange
    WHEN old.question <> new.question OR old.answer <> new.answer BEGIN
        INSERT INTO exchange_words (exchange_words, rowid, question, answer)
        VALUES ('delete', old.id, old.question, old.answer);
        INSERT INTO exchange_words (rowid, question, answer) VALUES (new.id, new.question, new.answer);
    END;

    CREATE VIRTUAL TABLE pair_words USING fts5 (
        question, answer, content = 'pair', content_rowid = 'id',
        tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3'
    );
    CREATE TRIGGER pair_added AFTER INSERT ON pair BEGIN
        INSERT INTO pair_words (rowid, question, answer) VALUES (new.id, new.question, new.answer);
    END;
    CREATE TRIGGER pair_removed AFTER DELETE ON pair BEGIN
        INSERT INTO pair_words (pair_words, rowid, question, answer)
        VALUES ('delete', old.id, old.question, old.answer);
    END;
",
        "
    CREATE TABLE said (
        exchange INTEGER NOT NULL REFERENCES exchange (id),
        piece INTEGER NOT NULL,
        lines TEXT NOT NULL,
        PRIMARY KEY (exchange, piece)
    ) STRICT, WITHOUT ROWID;
",
    ],
    home: "XDG_STATE_HOME",
    private: true,
};
