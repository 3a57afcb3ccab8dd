"""Odoo's own import in committed batches; runs inside Odoo, not in the tool."""

import time

BATCH = 500
TELL_EVERY = 10


class Pace:
    """How many rows a second a step takes, for people."""

    def __init__(self, name):
        self.name = name
        self.rows = 0
        self.refused = []
        self.started = self.told = time.monotonic()
        self.cpu = time.process_time()

    def tell(self, done, total):
        """Say how far it is, every few seconds."""
        if time.monotonic() - self.told > TELL_EVERY:
            self.told = time.monotonic()
            print(f"  {self.name}: {done} of {total}", flush=True)

    def line(self):
        seconds = max(time.monotonic() - self.started, 0.001)
        cpu = time.process_time() - self.cpu
        text = (
            f"  {self.name}: {self.rows} in {seconds:.1f} s, {self.rows / seconds:.0f} a second "
            f"({100 * cpu / seconds:.0f} % of the time in Python)"
        )
        return text + (f", {len(self.refused)} refused" if self.refused else "")


class Importer:
    """What the import screen does, for files too long for a browser.

    Each batch is committed for itself, rows are known by their external id: run
    again after a stop, it goes on, and nothing is doubled.

    :param env: environment of the user who imports
    :param company: company of everything imported
    :param zone: time zone in which the files' times are meant
    """

    def __init__(self, env, company, zone):
        self.env = env(
            context={
                **env.context,
                'allowed_company_ids': company.ids,
                'import_file': True,
                'tracking_disable': True,
                # what was bought then is not delivered again
                'skip_procurement': True,
                'tz': zone,
            }
        )

    def load(self, model, header, rows, pace):
        """Load rows in batches; a refused row is reported and left out, the rest goes in."""
        waiting = self._not_yet_there(model, rows)
        pace.rows = 0
        for start in range(0, len(waiting), BATCH):
            batch = waiting[start : start + BATCH]
            self._load_batch(model, header, batch, pace)
            self._commit()
            pace.tell(start + len(batch), len(waiting))
        return pace

    def _commit(self):
        self.env.cr.commit()
        self.env.invalidate_all()

    def _load_batch(self, model, header, batch, pace):
        """Load one batch, without the rows that Odoo refuses."""
        result = self.env[model].load(header, [row for _number, row in batch])
        if result['ids']:
            pace.rows += len(batch)
            return
        refused = self._refused(result['messages'], batch)
        if not refused:
            raise RuntimeError(f"{model}: {result['messages']}")
        for number, reason in refused.items():
            print(f"  {pace.name}, line {number}: {reason}", flush=True)
            pace.refused.append((number, reason))
        rest = [(number, row) for number, row in batch if number not in refused]
        if rest:
            self._load_batch(model, header, rest, pace)

    def _refused(self, messages, batch):
        """Line numbers and reasons of the rows that a load complained about."""
        found = {}
        for message in messages:
            rows = message.get('rows') or {'from': message.get('record', 0)}
            first = rows['from']
            for index in range(first, rows.get('to', first) + 1):
                number = batch[index][0]
                found.setdefault(number, message['message'])
        return found

    def _not_yet_there(self, model, rows):
        """Rows with their line number (the header is line 1) whose external id is new."""
        known = set(
            self.env['ir.model.data']
            .sudo()
            .search_fetch([('module', '=', '__import__'), ('model', '=', model)], ['name'])
            .mapped('name')
        )
        numbered = enumerate(rows, 2)
        return [(n, list(row)) for n, row in numbered if row[0].partition('.')[2] not in known]
