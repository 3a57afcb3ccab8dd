import { PosOrder } from "@point_of_sale/app/models/pos_order";
import { patch } from "@web/core/utils/patch";
import { roundDecimals } from "@web/core/utils/numbers";
import { _t } from "@web/core/l10n/translation";

/** below this a difference of amounts is none */
const NOISE = 0.005;

function getCost(lines) {
    return lines.reduce((sum, line) => sum + line.points_cost, 0);
}

/**
 * What of an order is paid with points: not more than the program allows, and no more than the
 * member chose.
 */
patch(PosOrder.prototype, {
    // ------------------------------------------------------------
    // MINIMUM
    // ------------------------------------------------------------

    /**
     * @override
     */
    getClaimableRewards(couponId = false, programId = false) {
        if (programId && this.models["loyalty.program"].get(programId)?.managed) {
            // asked for to claim what a code is for: that of members gives points, and takes none
            return [];
        }
        return super
            .getClaimableRewards(...arguments)
            .filter(({ reward }) => this._isLargeEnoughForReward(reward.program_id));
    },
    /**
     * Asked when a reward is claimed, and whenever the order changes.
     *
     * @override
     */
    _applyReward(reward) {
        if (!this._isLargeEnoughForReward(reward.program_id)) {
            return _t("The order is too small for this reward.");
        }
        if (!this._isChoiceKnown(reward)) {
            this._keepChoice(reward, null);
        }
        return super._applyReward(...arguments);
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
     * Rewards are computed again in this order: minimum and share of a program look at what the
     * other rewards left.
     *
     * @override
     */
    _get_reward_lines() {
        const lines = super._get_reward_lines();
        const isLimited = (line) => Number(Boolean(line.reward_id?.program_id.managed));
        return lines && [...lines].sort((a, b) => isLimited(a) - isLimited(b));
    },

    // ------------------------------------------------------------
    // SHARE
    // ------------------------------------------------------------

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
     * Let points pay for no more of the order than the program allows, and the member chose.
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
        const allowed = this._getPointsAllowed(reward, lines);
        if (allowed <= 0) {
            return _t(
                "At most %s %% of an order can be paid with points.",
                program.redeem_max_percent
            );
        }
        const chosen = args.isAtMost ? Infinity : this._getChosenPoints(reward);
        const cost = getCost(lines);
        const points = Math.min(cost, allowed, chosen);
        if (points >= cost) {
            return lines;
        }
        const share = points / cost;
        return lines.map((line) => ({
            ...line,
            price_unit: line.price_unit * share,
            points_cost: line.points_cost * share,
        }));
    },
    /**
     * @param {Array} lines values of the lines of a discount
     * @returns {number} how many points the program allows to pay for it with
     */
    _getPointsAllowed(reward, lines) {
        const program = reward.program_id;
        const allowed = this._getRedeemingShareLeft(program);
        const perPoint = this.hasPointsChoice(reward);
        const value = perPoint
            ? getCost(lines) * reward.discount
            : -lines.reduce((sum, line) => sum + line.price_unit * line.qty, 0);
        if (program.redeem_max_percent >= 100 || value <= allowed + NOISE) {
            return Infinity;
        }
        const step = reward.required_points;
        return perPoint ? Math.floor((allowed + NOISE) / reward.discount / step) * step : 0;
    },

    // ------------------------------------------------------------
    // CHOICE
    // ------------------------------------------------------------

    /**
     * @returns {boolean} whether a member chooses how many points to redeem for a reward
     */
    hasPointsChoice(reward) {
        return (
            reward.program_id.managed &&
            reward.reward_type === "discount" &&
            reward.discount_mode === "per_point" &&
            !reward.clear_wallet
        );
    },
    /**
     * @returns {Array<{reward: object, coupon_id: number}>} rewards on the order whose number of
     *  points can be changed
     */
    getChosenRewards() {
        const chosen = {};
        for (const line of this._get_reward_lines()) {
            if (line.coupon_id && this.hasPointsChoice(line.reward_id)) {
                chosen[line.reward_id.id] = { reward: line.reward_id, coupon_id: line.coupon_id.id };
            }
        }
        return Object.values(chosen);
    },
    /**
     * @returns {number} points the order redeems for a reward
     */
    getRedeemedPoints(reward) {
        return roundDecimals(getCost(this._getLinesOfReward(reward)), 2);
    },
    /**
     * @returns {number} points the order could redeem for a reward at most
     */
    getMostPoints(reward, couponId) {
        const more = this._getRewardLineValues({ reward, coupon_id: couponId, isAtMost: true });
        const left = Array.isArray(more) ? getCost(more) : 0;
        return roundDecimals(getCost(this._getLinesOfReward(reward)) + left, 2);
    },
    /**
     * Redeem a number of points, instead of what the order redeems for this reward.
     *
     * @param {number} points the most there is goes on to be the most when the order changes
     * @returns {true|string} whether it is done, or why it is not
     */
    redeemPoints(reward, couponId, points) {
        const most = this.getMostPoints(reward, couponId);
        for (const line of this._getLinesOfReward(reward)) {
            line.delete();
        }
        this._keepChoice(reward, points < most ? points : null);
        return this._applyReward(reward, couponId);
    },
    /**
     * Another till, or this one before it was opened again, knew what the member chose: the order
     * has its lines, and not more may be redeemed than they say.
     *
     * @override
     */
    _updateRewardLines() {
        for (const { reward } of this.getChosenRewards()) {
            if (!this._isChoiceKnown(reward)) {
                this._keepChoice(reward, this.getRedeemedPoints(reward));
            }
        }
        return super._updateRewardLines(...arguments);
    },
    _isChoiceKnown(reward) {
        return reward.id in (this.uiState.loyaltyChosenPoints || {});
    },
    /**
     * @param {number|null} points null for the most there is
     */
    _keepChoice(reward, points) {
        this.uiState.loyaltyChosenPoints = {
            ...this.uiState.loyaltyChosenPoints,
            [reward.id]: points,
        };
    },
    _getLinesOfReward(reward) {
        return this.lines.filter((line) => line.reward_id?.id === reward.id);
    },
    _getChosenPoints(reward) {
        return this.uiState.loyaltyChosenPoints?.[reward.id] ?? Infinity;
    },
});
