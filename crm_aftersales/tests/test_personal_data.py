from odoo.tests import tagged

from .common import AftersalesCommon


@tagged('post_install', '-at_install')
class TestPersonalData(AftersalesCommon):
    def test_ratings_of_another_company_are_not_given_out(self):
        other_company = self.env['res.company'].create({'name': "Another"})
        requests = self._create_request() | self._create_request(
            company_id=other_company.id, unit_id=False, team_id=False
        )
        model = self.env['ir.model']._get('aftersales.request')
        for request, feedback in zip(requests, ("ours", "theirs"), strict=True):
            self.env['rating.rating'].create(
                {
                    'res_model_id': model.id,
                    'res_id': request.id,
                    'partner_id': self.customer.id,
                    'rating': 1,
                    'feedback': feedback,
                    'consumed': True,
                }
            )
        customer = self.customer.with_context(allowed_company_ids=self.env.company.ids)
        sources = customer._get_personal_data_sources()
        [source] = [source for source in sources if source.key == 'rating.rating']
        records = customer._get_personal_records(source, exported=True)
        self.assertEqual(records.mapped('feedback'), ["ours"])
        self.assertEqual(len(customer._get_personal_records(source)), 2)
