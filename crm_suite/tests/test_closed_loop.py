from odoo.tests import TransactionCase, tagged


@tagged('post_install', '-at_install')
class TestClosedLoop(TransactionCase):
    """What one application writes, the others see on the same customer."""

    def test_time_line_has_the_sources_of_all_applications(self):
        partner = self.env['res.partner'].create({'name': "Customer"})
        timeline = partner.get_customer_timeline()
        keys = {source['key'].split('.')[0] for source in timeline['sources']}
        self.assertLessEqual({'sale', 'aftersales', 'loyalty', 'campaigns'}, keys)

    def test_a_segment_can_ask_for_tiers_and_scores(self):
        segment = self.env['crm.segment'].create(
            {
                'name': "Members who stay away",
                'kind': 'rfm',
                'rfm_r_max': 3,
                'domain': "[('loyalty_tier_id', '!=', False)]",
                'state': 'active',
            }
        )
        segment.action_refresh()
        members = segment.member_ids.partner_id
        self.assertTrue(all(partner.loyalty_tier_id for partner in members))
