import OrderPaymentValidation from "@point_of_sale/app/utils/order_payment_validation";
import { patch } from "@web/core/utils/patch";
import { _t } from "@web/core/l10n/translation";
import { AlertDialog } from "@web/core/confirmation_dialog/confirmation_dialog";

patch(OrderPaymentValidation.prototype, {
    /**
     * @override
     */
    async validateOrder(isForceValidate) {
        if (!(await this.holdLoyaltyPoints())) {
            return;
        }
        return await super.validateOrder(...arguments);
    },
    /**
     * Hold what the order redeems, so that nobody else spends it while the customer pays.
     *
     * @returns {boolean} false when the points are not there; without connection nothing is held
     */
    async holdLoyaltyPoints() {
        const claims = this.order.getLoyaltyClaims();
        if (!claims.length && !this.order.uiState.loyaltyHeld) {
            return true;
        }
        let answer;
        try {
            answer = await this.pos.data.call("pos.order", "hold_loyalty_points", [
                this.order.uuid,
                claims,
            ]);
        } catch {
            return true;
        }
        this.order.uiState.loyaltyHeld = answer.successful && claims.length > 0;
        if (answer.successful) {
            return true;
        }
        for (const [cardId, points] of Object.entries(answer.updated_points)) {
            const card = this.pos.models["loyalty.card"].get(parseInt(cardId));
            if (card) {
                card.points = points;
            }
        }
        this.pos.dialog.add(AlertDialog, {
            title: _t("Error validating rewards"),
            body: answer.message,
        });
        return false;
    },
});
