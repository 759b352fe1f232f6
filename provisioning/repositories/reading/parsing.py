"""Reads git's output for programs: NUL between records, paths as bytes."""

from provisioning.repositories.reading.types import ABSENT, STATUSES, Change, HistoryCommit, TreeFile

_FIELDS = 7


def as_changes(raw: bytes) -> list[Change]:
    """Of `git diff-tree -r -z --raw --no-abbrev -M`."""
    fields = iter(raw.split(b"\0"))
    found = []
    for field in fields:
        if not field.startswith(b":"):
            continue  # the end, after the last NUL
        old_mode, new_mode, old_blob, new_blob, status = field[1:].decode().split(" ")
        old_path = next(fields)
        new_path = next(fields) if status[0] in "RC" else old_path
        found.append(
            Change(
                status=STATUSES.get(status[0], "modified"),
                old_path=old_path,
                new_path=new_path,
                old_mode=old_mode,
                new_mode=new_mode,
                old_blob="" if old_mode == ABSENT else old_blob,
                new_blob="" if new_mode == ABSENT else new_blob,
            )
        )
    return found


def as_tree(listed: bytes) -> list[TreeFile]:
    """Of `git ls-tree -r -z -l`."""
    found = []
    for record in listed.split(b"\0")[:-1]:
        facts, _, path = record.partition(b"\t")
        mode, _kind, blob, size = facts.decode().split()
        found.append(TreeFile(path=path, mode=mode, blob=blob, size=int(size) if size.isdigit() else 0))
    return found


def as_commits(logged: bytes) -> list[HistoryCommit]:
    """Of `git log -z` with seven fields."""
    texts = [field.decode(errors="replace") for field in logged.split(b"\0")]
    records = (texts[at : at + _FIELDS] for at in range(0, len(texts) - _FIELDS + 1, _FIELDS))
    return [
        HistoryCommit(sha, tuple(parents.split()), author, author_email, committer, committer_email, title)
        for sha, parents, author, author_email, committer, committer_email, title in records
    ]
