from odoo.tests import tagged

from odoo.addons.crm_loyalty.tests.common import LoyaltyCommon


@tagged('post_install', '-at_install')
class TestClosedLoop(LoyaltyCommon):
    """What one application writes, the others see on the same customer."""

    def test_time_line_has_the_sources_of_all_applications(self):
        timeline = self.member.get_customer_timeline()
        keys = {source['key'].split('.')[0] for source in timeline['sources']}
        self.assertLessEqual({'sale', 'aftersales', 'loyalty', 'campaigns'}, keys)

    def test_a_segment_can_ask_for_tiers_and_scores(self):
        active, stranger = self.create_partner("Buys"), self.create_partner("No member")
        for partner, r in ((self.member, 2), (active, 5), (stranger, 2)):
            self._create_score(partner, r)
        for partner in self.member | active:
            self.create_card(partner).tier_id = self.silver
        segment = self.env['crm.segment'].create(
            {
                'name': "Members who stay away",
                'kind': 'rfm',
                'rfm_r_max': 3,
                'domain': f"[('loyalty_tier_id', '=', {self.silver.id})]",
                'state': 'active',
            }
        )
        segment.action_refresh()
        self.assertEqual(segment.member_ids.partner_id, self.member)

    def _create_score(self, partner, r):
        return self.env['crm.customer.score'].create(
            {'partner_id': partner.id, 'company_id': self.env.company.id, 'r': r, 'f': 3, 'm': 3}
        )
