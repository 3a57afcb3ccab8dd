import { patch } from "@web/core/utils/patch";
import { PosStore } from "@point_of_sale/app/services/pos_store";

patch(PosStore.prototype, {
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
});
