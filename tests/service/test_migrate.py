"""`docket migrate` on a real PostgreSQL: repeatable, safe twice at once, and it refuses what it does not know."""
import json
import shutil
import subprocess

import pytest

from harness.postgres import BUILD, REPOSITORY

FILES = sorted(f.name for f in (REPOSITORY / "deploy/migrations").glob("*.sql"))


@pytest.fixture
def pg(server):
    server.sql("DROP DATABASE docket WITH (FORCE)", database="postgres")
    server.sql("CREATE DATABASE docket OWNER docket_migrator", database="postgres")
    return server


@pytest.fixture
def files(tmp_path):
    return shutil.copytree(REPOSITORY / "deploy/migrations", tmp_path / "migrations")


def command(pg, *words):
    return [BUILD / "bin" / "docket", "migrate", "--postgres", pg.url("docket_migrator"), *map(str, words)]


def migrate(pg, *words):
    return subprocess.run(command(pg, *words), capture_output=True, text=True, timeout=60)


def refused(pg, *words):
    before = pg.sql("SELECT count(*) FROM pg_class")
    run = migrate(pg, *words)
    assert run.returncode == 1, (run.stdout, run.stderr)
    assert pg.sql("SELECT count(*) FROM pg_class") == before, "nothing half done"
    return run.stderr


def test_it_applies_what_is_missing_and_then_nothing(pg):
    first, again = migrate(pg), migrate(pg, "--json")
    assert first.returncode == 0 and all(f"applied {name}" in first.stdout for name in FILES)
    assert json.loads(again.stdout) == {"ok": True, "version": len(FILES), "known": len(FILES), "applied": []}


def test_check_changes_nothing_and_says_what_is_pending(pg):
    run = migrate(pg, "--check", "--json")
    assert run.returncode == 1 and json.loads(run.stdout)["pending"] == FILES
    assert pg.sql("SELECT to_regnamespace('docket')") == [(None,)]
    migrate(pg)
    assert migrate(pg, "--check").returncode == 0


def test_many_at_once_apply_each_file_once(pg):
    runs = [subprocess.Popen(command(pg, "--json"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    told = [(r.communicate(timeout=60), r.returncode) for r in runs]
    assert [code for _, code in told] == [0] * 4, told
    assert sorted(name for (out, _), _ in told for name in json.loads(out)["applied"]) == FILES


def test_a_migration_changed_afterwards_is_refused(pg, files):
    migrate(pg)
    with open(files / FILES[1], "a") as file:
        file.write("-- afterthought\n")
    said = refused(pg, "--directory", files)
    assert FILES[1] in said and "never changes" in said and f"number {len(FILES) + 1:04}" in said


def test_a_database_of_a_newer_release_is_refused(pg, files):
    migrate(pg)
    (files / FILES[-1]).unlink()
    said = refused(pg, "--directory", files)
    assert FILES[-1] in said and "newer" in said


def test_a_file_that_fails_leaves_nothing_behind_and_names_its_line(pg, files):
    migrate(pg)
    (files / f"{len(FILES) + 1:04}_broken.sql").write_text("CREATE TABLE public.half (x int);\n\n-- 中文\nSELEC 1;\n")
    said = refused(pg, "--directory", files)
    assert "_broken.sql: line 4" in said
    (files / f"{len(FILES) + 1:04}_broken.sql").write_text("CREATE TABLE public.whole (x int);\n")
    assert migrate(pg, "--directory", files).returncode == 0
    assert pg.sql("SELECT to_regclass('public.half'), to_regclass('public.whole')") == [(None, "whole")]


@pytest.mark.parametrize("name", ["003_short.sql", f"{len(FILES) + 2:04}_gap.sql", "0001_twice.sql", "0000_zero.sql", "notes.sql"])
def test_a_directory_that_is_no_series_is_refused(pg, files, name):
    (files / name).write_text("SELECT 1;")
    run = migrate(pg, "--directory", files)
    assert run.returncode == 2 and name[:4] in run.stderr


def test_usage_and_places_that_are_not_there(pg, tmp_path):
    assert migrate(pg, "--nonsense").returncode == 2
    assert migrate(pg, "extra").returncode == 2
    assert migrate(pg, "--directory", tmp_path / "nowhere").returncode == 2
    assert migrate(pg, "--directory", tmp_path).returncode == 2
    gone = subprocess.run([BUILD / "bin/docket", "migrate", "--postgres", "postgresql://u:secret@127.0.0.1:1/x"],
                          capture_output=True, text=True)
    assert gone.returncode == 2 and "refused" in gone.stderr and "secret" not in gone.stderr
    bare = subprocess.run([BUILD / "bin/docket", "migrate"], capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"})
    assert bare.returncode == 2 and "DOCKET_POSTGRES_ADMIN" in bare.stderr
