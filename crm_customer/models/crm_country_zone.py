from __future__ import annotations

import pytz

from odoo import api, fields, models, tools
from odoo.tools import SQL

from odoo.addons.base.models.res_partner import _tz_get

from ..country_zones import find_same_clock, get_zone_rows


class CrmCountryZone(models.Model):
    """The time zone of a country or of a state, to know when a customer sleeps.

    A row without a state holds for the whole country.  Countries with several times have a row
    per state, and one of last resort.
    """

    _name = 'crm.country.zone'
    _description = 'Time Zone of a Country'
    _order = 'country_id, state_id, id'
    _rec_name = 'tz'

    country_id = fields.Many2one('res.country', required=True, ondelete='cascade')
    state_id = fields.Many2one(
        'res.country.state',
        ondelete='cascade',
        domain="[('country_id', '=', country_id)]",
        help="Empty when the zone is that of the whole country.",
    )
    tz = fields.Selection(selection=_tz_get, string="Time Zone", required=True)
    last_resort = fields.Boolean(
        help="The country has several times: taken only when neither the customer's state nor"
        " the company's working hours tell one."
    )

    _place_unique = models.UniqueIndex(
        '(country_id, COALESCE(state_id, 0), last_resort)',
        "The country, or the state, has a zone already.",
    )

    @api.model
    def _load_known_zones(self) -> None:
        """Add the zones that are missing; those that somebody changed stay."""
        rows = get_zone_rows()
        self.env.execute_query(
            SQL(
                'INSERT INTO crm_country_zone'
                ' (country_id, state_id, tz, last_resort, create_uid, create_date,'
                ' write_uid, write_date)'
                ' SELECT country.id, state.id, known.tz, known.last_resort, %(uid)s, %(now)s,'
                ' %(uid)s, %(now)s'
                ' FROM unnest(%(countries)s::text[], %(states)s::text[], %(zones)s::text[],'
                ' %(last_resort)s::boolean[]) AS known (country, state, tz, last_resort)'
                ' JOIN res_country AS country ON country.code = known.country'
                ' LEFT JOIN res_country_state AS state'
                ' ON state.country_id = country.id AND state.code = known.state'
                ' WHERE known.state IS NULL OR state.id IS NOT NULL'
                ' ON CONFLICT DO NOTHING RETURNING id',
                countries=[row[0] for row in rows],
                states=[row[1] for row in rows],
                zones=[row[2] for row in rows],
                last_resort=[row[3] for row in rows],
                uid=self.env.uid,
                now=self.env.cr.now(),
            )
        )
        self.env.registry.clear_cache()

    @api.model
    @tools.ormcache()
    def _get_zones(self) -> dict[tuple[int, int, bool], str]:
        """Return all zones by country, state (0 for none) and whether they are a last resort."""
        return {
            (row.country_id.id, row.state_id.id or 0, row.last_resort): row.tz
            for row in self.sudo().search([])
        }

    @api.model
    def _get_zone(self, country_id: int, state_id: int, last_resort: bool = False) -> str | None:
        """Return the zone of a place: the state's, else the whole country's.

        :param country_id: id of the country, or a false value
        :param state_id: id of the state, or a false value
        :param last_resort: ask for what is taken when nothing else is known
        """
        zones = self._get_zones()
        state_zone = zones.get((country_id, state_id or 0, last_resort))
        return state_zone or zones.get((country_id, 0, last_resort))

    @api.model
    def _get_zone_sql(self, partner: str, last_resort: bool = False) -> SQL:
        """Return what :meth:`_get_zone` does as an expression.

        :param partner: alias of ``res_partner`` in the statement
        :param last_resort: as for :meth:`_get_zone`
        """
        return SQL(
            '(SELECT zone.tz FROM crm_country_zone AS zone'
            ' WHERE zone.country_id = %(country)s AND zone.last_resort IS %(last_resort)s'
            ' AND (zone.state_id IS NULL OR zone.state_id = %(state)s)'
            ' ORDER BY zone.state_id NULLS LAST LIMIT 1)',
            country=SQL.identifier(partner, 'country_id'),
            state=SQL.identifier(partner, 'state_id'),
            last_resort=SQL('TRUE') if last_resort else SQL('NOT TRUE'),
        )

    # ------------------------------------------------------------
    # WHAT THE DATABASE SERVER KNOWS
    # ------------------------------------------------------------

    @api.model
    @tools.ormcache(cache='stable')
    def _get_server_zones(self) -> dict[str, str]:
        """Return the name by which the database server knows each zone that can be chosen.

        Odoo brings its own list of zones; PostgreSQL has that of its operating system, often
        without the old names, as US/Pacific, or from before a new one.
        """
        rows = self.env.execute_query(SQL('SELECT name FROM pg_timezone_names'))
        known = {name for (name,) in rows}
        current = [name for name in pytz.common_timezones if name in known]
        return {
            name: name if name in known else find_same_clock(name, current, fields.Datetime.now())
            for name, _label in _tz_get(self)
        }

    @api.model
    def _get_server_zone(self, zone: str) -> str:
        """Return a zone as a statement can name it; one that nobody knows is UTC.

        :param zone: name of a zone, as stored
        """
        return self._get_server_zones().get(zone, 'UTC')

    @api.model
    def _get_server_zone_sql(self, zone: SQL) -> SQL:
        """Return what :meth:`_get_server_zone` does as an expression.

        Without it one stored name that the server does not know stops the whole statement.

        :param zone: expression of the name of a zone
        """
        zones = self._get_server_zones()
        renamed = {name: other for name, other in zones.items() if name != other}
        return SQL(
            '(SELECT CASE WHEN stored.zone = ANY(%(known)s) THEN stored.zone ELSE COALESCE('
            '(SELECT renamed.other FROM unnest(%(names)s::text[], %(others)s::text[])'
            " AS renamed (name, other) WHERE renamed.name = stored.zone), 'UTC') END"
            ' FROM (SELECT %(zone)s AS zone OFFSET 0) AS stored)',
            known=[name for name in zones if name not in renamed],
            names=list(renamed),
            others=list(renamed.values()),
            zone=zone,
        )

    @api.model_create_multi
    def create(self, vals_list):
        self.env.registry.clear_cache()
        return super().create(vals_list)

    def write(self, vals):
        self.env.registry.clear_cache()
        return super().write(vals)

    def unlink(self):
        self.env.registry.clear_cache()
        return super().unlink()
