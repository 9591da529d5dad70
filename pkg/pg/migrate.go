package pg

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var blocksFS embed.FS

const (
	// migrationLock is the session-level advisory lock of all migrations of a
	// database: schemas share extensions, so they take turns.
	migrationLock int64 = 0x6176616c6d6967 // "avalmig"
	blocksTable         = "blocks_version"
	phaseTable          = "phase_version"
)

// Migrate creates the schema where it is missing and applies what is pending:
// the building blocks' tables, then the phase's goose files (*.sql at the root
// of phase; nil for none). Any number of processes may call it at once; nothing
// to do costs a few milliseconds. It uses connections of its own to the pool's
// database, without the pool's time limits.
func Migrate(ctx context.Context, pool *pgxpool.Pool, schema string, phase fs.FS) (err error) {
	if err := checkSchema(schema); err != nil {
		return err
	}
	cfg := pool.Config().ConnConfig.Copy()
	cfg.RuntimeParams["search_path"] = searchPath(schema)
	cfg.RuntimeParams["statement_timeout"] = "0"
	cfg.RuntimeParams["lock_timeout"] = "0" // the advisory lock is waited for as long as ctx allows
	cfg.RuntimeParams["idle_in_transaction_session_timeout"] = "60s"
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return Err(err)
	}
	// Closing ends the session, and so the lock.
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1)", migrationLock); err != nil {
		return fmt.Errorf("migration lock: %w", Err(err))
	}
	if _, err := conn.Exec(ctx, `CREATE SCHEMA IF NOT EXISTS "`+schema+`"`); err != nil {
		return fmt.Errorf("schema %s: %w", schema, Err(err))
	}
	// A table that must be altered is worth a short wait, not an outage of its readers.
	cfg.RuntimeParams["lock_timeout"] = "10s"
	db := stdlib.OpenDB(*cfg)
	defer func() { err = errors.Join(err, db.Close()) }()
	blocks, err := fs.Sub(blocksFS, "migrations")
	if err != nil {
		return err
	}
	if err := apply(ctx, db, schema+"."+blocksTable, blocks); err != nil {
		return fmt.Errorf("schema %s, building blocks: %w", schema, err)
	}
	if phase == nil {
		return nil
	}
	if err := apply(ctx, db, schema+"."+phaseTable, phase); err != nil {
		return fmt.Errorf("schema %s: %w", schema, err)
	}
	return nil
}

func apply(ctx context.Context, db *sql.DB, table string, files fs.FS) error {
	p, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithTableName(table), goose.WithDisableGlobalRegistry(true))
	if errors.Is(err, goose.ErrNoMigrations) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = p.Up(ctx)
	return err
}

// MigrationsHash names the schema that Migrate would make: equal hash, equal tables.
func MigrationsHash(schema string, phase fs.FS) (string, error) {
	h := sha256.New()
	for _, files := range []fs.FS{blocksFS, phase} {
		if files == nil {
			continue
		}
		err := fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := fs.ReadFile(files, path)
			if err == nil {
				_, err = fmt.Fprintf(h, "%s %d\n%s", path, len(b), b)
			}
			return err
		})
		if err != nil {
			return "", err
		}
	}
	_, err := fmt.Fprintf(h, "schema %s", schema)
	return hex.EncodeToString(h.Sum(nil)), err
}
