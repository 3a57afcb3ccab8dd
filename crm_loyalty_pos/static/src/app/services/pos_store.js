import { PosStore } from "@point_of_sale/app/services/pos_store";
import { handleRPCError } from "@point_of_sale/app/utils/error_handlers";
import { AlertDialog } from "@web/core/confirmation_dialog/confirmation_dialog";
import { ConnectionLostError, RPCError } from "@web/core/network/rpc";
import { patch } from "@web/core/utils/patch";
import { _t } from "@web/core/l10n/translation";

patch(PosStore.prototype, {
    // ------------------------------------------------------------
    // POINTS OF A MEMBER
    // ------------------------------------------------------------

    /**
     * What the till calls the points of a member is what he can redeem: the balance less what is
     * held for open quotations, other tills and the web shop.
     *
     * @override
     */
    async fetchCoupons(domain, limit = 1) {
        const cards = await super.fetchCoupons(...arguments);
        for (const card of cards) {
            if (card.is_member) {
                card.points = card.points_free;
            }
        }
        return cards;
    },
    /**
     * A till is open for days: the points of a member are asked for whenever he is chosen.
     *
     * @override
     */
    async fetchLoyaltyCard(programId, partnerId) {
        const card = await super.fetchLoyaltyCard(...arguments);
        if (card.id > 0 && this.models["loyalty.program"].get(programId).managed) {
            try {
                await this.fetchCoupons([["id", "=", card.id]]);
            } catch (error) {
                if (!(error instanceof ConnectionLostError)) {
                    throw error;
                }
            }
        }
        return card;
    },

    // ------------------------------------------------------------
    // HOLDING POINTS
    // ------------------------------------------------------------

    /**
     * Hold what an order redeems before the customer pays, so that nobody else spends it.
     *
     * @override
     */
    async pay() {
        const order = this.getOrder();
        if (order.canPay() && !(await this.holdLoyaltyPoints(order))) {
            return;
        }
        return await super.pay(...arguments);
    },
    /**
     * @override
     */
    async selectPartner(order = this.getOrder()) {
        const before = order?.getPartner();
        const result = await super.selectPartner(...arguments);
        if (order?.getPartner() !== before) {
            await this.releaseLoyaltyPoints(order);
        }
        return result;
    },
    /**
     * @override
     */
    async _onBeforeDeleteOrder(order) {
        const result = await super._onBeforeDeleteOrder(...arguments);
        if (result) {
            await this.releaseLoyaltyPoints(order);
        }
        return result;
    },
    /**
     * Without connection nothing is held.
     *
     * @returns {boolean} false when the points are not there, or the server refuses
     */
    async holdLoyaltyPoints(order) {
        const claims = order.getLoyaltyClaims();
        if (!claims.length && !order.uiState.loyaltyHeld) {
            return true;
        }
        let answer;
        try {
            answer = await this._callHoldLoyaltyPoints(order, claims);
        } catch (error) {
            if (error instanceof ConnectionLostError) {
                return true;
            }
            if (!(error instanceof RPCError)) {
                throw error;
            }
            handleRPCError(error, this.dialog);
            return false;
        }
        if (!answer.successful) {
            this._lowerLoyaltyPoints(answer);
        }
        return answer.successful;
    },
    /**
     * Let others have what is held for an order; it is held no longer than some minutes anyway.
     */
    async releaseLoyaltyPoints(order) {
        if (!order?.uiState.loyaltyHeld || order.finalized) {
            return;
        }
        try {
            await this._callHoldLoyaltyPoints(order, []);
        } catch (error) {
            if (!(error instanceof ConnectionLostError || error instanceof RPCError)) {
                throw error;
            }
        }
    },
    async _callHoldLoyaltyPoints(order, claims) {
        // before the answer, which may not come
        order.uiState.loyaltyHeld = true;
        const answer = await this.data.call("pos.order", "hold_loyalty_points", [
            order.uuid,
            claims,
        ]);
        order.uiState.loyaltyHeld = !answer.successful || claims.length > 0;
        return answer;
    },
    /**
     * Show what is left, and take off the order what it cannot redeem any more.
     */
    _lowerLoyaltyPoints({ message, updated_points: points }) {
        for (const [cardId, left] of Object.entries(points)) {
            const card = this.models["loyalty.card"].get(parseInt(cardId));
            if (card) {
                card.points = left;
            }
        }
        this.updateRewards();
        this.dialog.add(AlertDialog, { title: _t("Error validating rewards"), body: message });
    },
});
