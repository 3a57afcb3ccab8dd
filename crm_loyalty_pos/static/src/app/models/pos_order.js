import { PosOrder } from "@point_of_sale/app/models/pos_order";
import { patch } from "@web/core/utils/patch";
import { _t } from "@web/core/l10n/translation";

/** below this a difference of amounts is none */
const NOISE = 0.005;

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
     * @override
     */
    getClaimableRewards() {
        return super
            .getClaimableRewards(...arguments)
            .filter(({ reward }) => this._isLargeEnoughForReward(reward.program_id));
    },
    _isLargeEnoughForReward(program) {
        return (
            !program.managed ||
            !program.redeem_minimum_amount ||
            this._getRedeemingBase(program) >= program.redeem_minimum_amount - NOISE
        );
    },
    /**
     * @returns {number} what the order comes to before points of a program pay for it
     */
    _getRedeemingBase(program) {
        return this.lines
            .filter((line) => line.reward_id?.program_id.id !== program.id)
            .reduce((sum, line) => sum + line.prices.total_included, 0);
    },
    /**
     * @returns {number} what may still be paid with points of a program
     */
    _getRedeemingShareLeft(program) {
        const paid = this.lines
            .filter(
                (line) =>
                    line.reward_id?.program_id.id === program.id &&
                    line.reward_id.reward_type === "discount"
            )
            .reduce((sum, line) => sum + line.prices.total_included, 0);
        return (this._getRedeemingBase(program) * program.redeem_max_percent) / 100 + paid;
    },
    /**
     * Let points pay for no more of the order than the program allows.
     *
     * @override
     */
    _getRewardLineValuesDiscount(args) {
        const lines = super._getRewardLineValuesDiscount(...arguments);
        const { reward } = args;
        const program = reward.program_id;
        if (!Array.isArray(lines) || !lines.length || !program.managed) {
            return lines;
        }
        const allowed = this._getRedeemingShareLeft(program);
        const perPoint = reward.discount_mode === "per_point" && !reward.clear_wallet;
        const cost = lines.reduce((sum, line) => sum + line.points_cost, 0);
        const value = perPoint
            ? cost * reward.discount
            : -lines.reduce((sum, line) => sum + line.price_unit * line.qty, 0);
        if (program.redeem_max_percent >= 100 || value <= allowed + NOISE) {
            return lines;
        }
        const step = reward.required_points;
        const steps = perPoint ? Math.floor((allowed + NOISE) / reward.discount / step) : 0;
        if (steps <= 0) {
            return _t(
                "At most %s %% of an order can be paid with points.",
                program.redeem_max_percent
            );
        }
        const share = (steps * step) / cost;
        return lines.map((line) => ({
            ...line,
            price_unit: line.price_unit * share,
            points_cost: line.points_cost * share,
        }));
    },
});
