import OrderPaymentValidation from "@point_of_sale/app/utils/order_payment_validation";
import { patch } from "@web/core/utils/patch";

patch(OrderPaymentValidation.prototype, {
    /**
     * Once more before the order is paid: somebody may have stood here for long.
     *
     * @override
     */
    async validateOrder(isForceValidate) {
        if (this.order.getLoyaltyClaims().length || this.order.uiState.loyaltyHeld) {
            if (!(await this.isOrderValid(isForceValidate))) {
                return;
            }
            if (!(await this.pos.holdLoyaltyPoints(this.order))) {
                return;
            }
        }
        return await super.validateOrder(...arguments);
    },
});
