from odoo import fields, models
from odoo.tools import SQL

#: what the link of a survey is for, and how long it works
SCOPE_FEEDBACK = 'crm_aftersales.feedback'
FEEDBACK_DAYS = 60


class AftersalesRequest(models.Model):
    """Customers are asked once for a request, by one mail, and not too often.

    The mail has the faces of core's rating and, where the company asks more, a link
    to a short form.
    """

    _inherit = 'aftersales.request'

    feedback_ids = fields.One2many(comodel_name='aftersales.feedback', inverse_name='request_id')

    def _read_group_select(self, aggregate_spec, query):
        """Let what nobody has rated be no rating of zero."""
        if aggregate_spec != 'rating_last_value:avg':
            return super()._read_group_select(aggregate_spec, query)
        rating = self._field_to_sql(self._table, 'rating_last_value', query)
        return SQL('AVG(NULLIF(%s, 0))', rating)

    def _get_rating_template(self):
        company = self.company_id[:1].sudo()
        if company.aftersales_ask_nps or company.aftersales_ask_ces:
            template = self.env.ref(
                'crm_aftersales.mail_template_request_survey', raise_if_not_found=False
            )
            if template:
                return template
        return super()._get_rating_template()

    def _get_rating_event(self):
        """Ask once for each request, however often it is reopened and closed."""
        return 'closed'

    def _can_ask_rating(self):
        """Neither what was dropped nor what goes on elsewhere is asked about."""
        return self.state != 'cancelled' and not self.merged_into_id and super()._can_ask_rating()

    def _send_rating_request(self):
        """Ask each customer about one of his requests at most, and none who was asked lately."""
        if len(self.company_id) > 1:
            for of_company in self.grouped('company_id').values():
                of_company._send_rating_request()
            return None
        return super(AftersalesRequest, self._filter_not_asked_lately())._send_rating_request()

    def _filter_not_asked_lately(self):
        """Return the requests whose customers may be asked again, of each customer the first."""
        asked_about = self.filtered(lambda request: request._can_ask_rating())
        company = self.company_id.sudo()
        if not company.aftersales_survey_days:
            return asked_about
        persons = self.env['crm.person'].sudo()
        persons = persons._for_partners(asked_about.partner_id)
        persons |= persons.survivor_id
        tired = self.env['aftersales.feedback']._get_asked_lately(persons, company)
        customers = persons.filtered(lambda person: person.id in tired).partner_id
        chosen = self.browse()
        for request in asked_about:
            if request.partner_id not in customers:
                chosen |= request
                customers |= request.partner_id
        return chosen

    def _get_survey_url(self) -> str:
        """Return the link to the short form, for the mail that is just being sent.

        It is signed, works without login and for the address it goes to only.
        """
        self.ensure_one()
        self.env['aftersales.feedback']._ask(self)
        person = self.env['crm.person'].sudo()._for_partners(self._rating_get_partner())
        token = person._sign_link(
            SCOPE_FEEDBACK, self.company_id, 'email', None, str(self.id), days=FEEDBACK_DAYS
        )
        return f'{self.company_id.get_base_url()}/aftersales/feedback/{token}'

    def _get_feedback_questions(self):
        """Return the questions asked about this request, each kind once.

        Those of the request it was merged into stand in where the same person raised both: another
        answers for himself.
        """
        survivor = self.merged_into_id.filtered(self._is_of_same_person)
        domain = [('request_id', 'in', (self | survivor).ids)]
        questions = self.env['aftersales.feedback'].sudo().search(domain, order='kind desc, id')
        own = questions.filtered(lambda feedback: feedback.request_id == self)
        kinds = own.mapped('kind')
        return questions.filtered(lambda feedback: feedback in own or feedback.kind not in kinds)
