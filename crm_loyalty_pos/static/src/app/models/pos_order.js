import { PosOrder } from "@point_of_sale/app/models/pos_order";
import { patch } from "@web/core/utils/patch";
import { _t } from "@web/core/l10n/translation";

patch(PosOrder.prototype, {
    /**
     * An order the server has posted shows what it gave and took, not what the till expected.
     *
     * @override
     */
    getLoyaltyPoints() {
        const expected = super.getLoyaltyPoints();
        if (!Array.isArray(this.loyalty_points)) {
            return expected;
        }
        const posted = this.loyalty_points
            .map((stat) => ({
                couponId: stat.card_id,
                program: this.models["loyalty.program"].get(stat.program_id),
                stat,
            }))
            .filter(({ program }) => program)
            .map(({ couponId, program, stat }) => ({
                couponId,
                program,
                points: {
                    won: stat.won,
                    spent: stat.spent,
                    takenBack: stat.taken_back,
                    givenBack: stat.given_back,
                    total: stat.balance,
                    balance: stat.balance,
                    name: program.portal_visible ? program.portal_point_name : _t("Points"),
                    program,
                },
            }));
        return [...expected.filter(({ program }) => !program.managed), ...posted];
    },
    /**
     * @returns {Array<{card_id: number, cost: number, won: number}>} points of members the order
     *  redeems and gives
     */
    getLoyaltyClaims() {
        const claims = {};
        for (const line of this._get_reward_lines()) {
            const card = line.coupon_id;
            if (card?.id > 0 && line.reward_id?.program_id.managed && line.points_cost) {
                const changes = this.uiState.couponPointChanges[card.id];
                claims[card.id] ||= { card_id: card.id, cost: 0, won: changes?.points || 0 };
                claims[card.id].cost += line.points_cost;
            }
        }
        return Object.values(claims);
    },
    /**
     * The server computes what the order gives and has to know the codes that were entered.
     *
     * @override
     */
    serializeForORM() {
        const data = super.serializeForORM(...arguments);
        const rules = (this.uiState?.codeActivatedProgramRules || [])
            .map((id) => this.models["loyalty.rule"].get(id))
            .filter((rule) => rule?.program_id.managed);
        const ids = rules.map((rule) => rule.id);
        if (this.uiState?.loyaltyCodesReset) {
            data.loyalty_rule_ids = [[6, 0, ids]];
        } else if (ids.length) {
            // another till may have saved others
            data.loyalty_rule_ids = ids.map((id) => [4, id]);
        }
        return data;
    },
    /**
     * @override
     */
    _resetPrograms() {
        super._resetPrograms(...arguments);
        this.uiState.loyaltyCodesReset = true;
    },
});
