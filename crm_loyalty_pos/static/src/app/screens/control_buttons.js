import { ControlButtons } from "@point_of_sale/app/screens/product_screen/control_buttons/control_buttons";
import { NumberPopup } from "@point_of_sale/app/components/popups/number_popup/number_popup";
import { formatFloat } from "@web/core/utils/numbers";
import { parseFloat as parseLocalFloat } from "@web/views/fields/parsers";
import { patch } from "@web/core/utils/patch";
import { _t } from "@web/core/l10n/translation";

const toText = (points) => formatFloat(points, { trailingZeros: false });

function toNumber(text) {
    try {
        return parseLocalFloat(String(text || 0));
    } catch {
        return 0;
    }
}

patch(ControlButtons.prototype, {
    get hasCodes() {
        return this.pos.models["loyalty.rule"].some(
            (rule) => rule.mode === "with_code" && rule.program_id.managed
        );
    },
    /**
     * Also what the order redeems already, to change how many points.
     *
     * @override
     */
    getPotentialRewards() {
        const rewards = super.getPotentialRewards();
        const known = new Set(rewards.map(({ reward }) => reward.id));
        const chosen = this.pos.getOrder()?.getChosenRewards() || [];
        return [...rewards, ...chosen.filter(({ reward }) => !known.has(reward.id))];
    },
    /**
     * @override
     */
    async clickRewards() {
        const rewards = this.getPotentialRewards();
        if (rewards.length === 1 && this.pos.getOrder().hasPointsChoice(rewards[0].reward)) {
            return this._choosePoints(rewards[0].reward, rewards[0].coupon_id);
        }
        return super.clickRewards(...arguments);
    },
    /**
     * @override
     */
    async _applyReward(reward, couponId) {
        if (this.pos.getOrder().hasPointsChoice(reward)) {
            return this._choosePoints(reward, couponId);
        }
        return super._applyReward(...arguments);
    },
    /**
     * Ask how many points to redeem, and redeem them.
     */
    _choosePoints(reward, couponId) {
        const order = this.pos.getOrder();
        const most = order.getMostPoints(reward, couponId);
        if (!most) {
            this.notification.add(_t("The reward could not be applied."));
            return;
        }
        const step = reward.required_points;
        const isPossible = (points) =>
            points > 0 && points <= most && (points === most || Math.abs(points - Math.round(points / step) * step) < 0.001);
        this.dialog.add(NumberPopup, {
            title: _t("Points to Redeem"),
            subtitle: _t("At most %s", toText(most)),
            startingValue: toText(order.getRedeemedPoints(reward) || most),
            feedback: (text) =>
                isPossible(toNumber(text))
                    ? this.env.utils.formatCurrency(toNumber(text) * reward.discount)
                    : step !== 1 && _t("In steps of %s", toText(step)),
            isValid: (text) => isPossible(toNumber(text)),
            getPayload: (text) => {
                order.uiState.disabledRewards.delete(reward.id);
                const result = order.redeemPoints(reward, couponId, toNumber(text));
                if (result !== true) {
                    this.notification.add(result);
                }
                this.pos.updateRewards();
            },
        });
    },
});
