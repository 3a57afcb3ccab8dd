/* global posmodel */

import * as Chrome from "@point_of_sale/../tests/pos/tours/utils/chrome_util";
import * as Numpad from "@point_of_sale/../tests/generic_helpers/numpad_util";
import * as NumberPopup from "@point_of_sale/../tests/generic_helpers/number_popup_util";
import * as Dialog from "@point_of_sale/../tests/generic_helpers/dialog_util";
import * as Order from "@point_of_sale/../tests/generic_helpers/order_widget_util";
import * as PaymentScreen from "@point_of_sale/../tests/pos/tours/utils/payment_screen_util";
import * as PosLoyalty from "@pos_loyalty/../tests/tours/utils/pos_loyalty_util";
import * as ProductScreen from "@point_of_sale/../tests/pos/tours/utils/product_screen_util";
import * as ReceiptScreen from "@point_of_sale/../tests/pos/tours/utils/receipt_screen_util";
import { inLeftSide } from "@point_of_sale/../tests/pos/tours/utils/common";
import { run } from "@point_of_sale/../tests/generic_helpers/utils";

export const MEMBER = "Tilda Member";

/** seconds a step waits for, as the server may be slow */
const PATIENCE = 60;

/** steps as a tour takes them */
export function play(...steps) {
    return () => steps.flat(Infinity).map((step) => ({ timeout: PATIENCE * 1000, ...step }));
}
export function start() {
    return [Chrome.startPoS(), ProductScreen.clickPartnerButton(), pickMember()].flat();
}
export function pickMember() {
    return [ProductScreen.clickCustomer(MEMBER), ProductScreen.customerIsSelected(MEMBER)].flat();
}
/** the partner list says how many points the member can redeem */
export function freePointsAre(points) {
    return {
        content: `the member has ${points} free points`,
        trigger: `.partner-list .partner-line-balance:contains("${points} Points")`,
    };
}
export function chosenPointsAre(points) {
    return NumberPopup.isShown(points);
}
export function choosePoints(points) {
    return [NumberPopup.enterValue(points), NumberPopup.isShown(points), Dialog.confirm()].flat();
}
/** a number of points that cannot be redeemed */
export function cannotChoose(points) {
    return [
        NumberPopup.enterValue(points),
        NumberPopup.isShown(points),
        {
            content: `${points} points cannot be redeemed`,
            trigger: ".modal .modal-footer .btn-primary:disabled",
        },
        NumberPopup.enterValue("⌫".repeat(points.length)),
    ].flat();
}
/** the till has one payment method, which is chosen at once */
export function pay() {
    return [
        ProductScreen.clickPayButton(),
        { content: "the order is paid", trigger: ".paymentlines .paymentline" },
    ].flat();
}
export function validate() {
    return [PaymentScreen.clickValidate(), ReceiptScreen.isShown()].flat();
}
/** what the receipt says of points: "Points Won:" and so on, in this order */
export function receiptSays(...lines) {
    return lines.map(([label, points]) => ({
        content: `receipt says ${label} ${points}`,
        trigger: `.pos-receipt .loyalty .d-flex:contains("${label}"):has(.ms-auto:contains(/^${points}$/))`,
    }));
}
export function unpickMember() {
    return [ProductScreen.clickPartnerButton(), PosLoyalty.unselectPartner()].flat();
}
/** what the member can redeem, beside the order */
export function balanceIs(points) {
    return {
        content: `the balance is ${points}`,
        trigger: `.loyalty-points-balance .value:contains(/^${points}$/)`,
    };
}
export function hasNoReward() {
    return Order.doesNotHaveLine({ withClass: ".fst-italic" });
}
export function hasReward(price) {
    return Order.hasLine({ withClass: ".fst-italic", price });
}

function callHold(uuid, points) {
    const card = posmodel.models["loyalty.card"].find((card) => card.is_member);
    const claims = points ? [{ card_id: card.id, cost: points, won: 0 }] : [];
    return posmodel.data.call("pos.order", "hold_loyalty_points", [uuid, claims]);
}
/** what another till does: it holds points of the same member, or lets them go */
export function holdElsewhere(points, isThere = true) {
    return run(async () => {
        const { successful, message } = await callHold("another-till", points);
        if (successful !== isThere) {
            throw new Error(message || `${points} points are held here`);
        }
    }, `another till holds ${points} points`);
}
/** what is held for this order is free again, as some minutes later */
export function letHoldExpire() {
    return run(() => callHold(posmodel.getOrder().uuid, 0), "the hold of this order expires");
}
/** now, and not only when the till comes to it */
export function save() {
    const send = () => {
        posmodel.addPendingOrder([posmodel.getOrder().id]);
        return posmodel.syncAllOrders({ throw: true });
    };
    return run(send, "orders are saved");
}
/** instead of what was paid when the order came to another amount */
export function payExactly(amount) {
    return [
        {
            content: "take the payment off",
            trigger: ".paymentlines .paymentline .delete-button",
            run: "click",
        },
        {
            content: "nothing is paid",
            trigger: ".payment-screen:not(:has(.paymentlines .paymentline))",
        },
        PaymentScreen.clickPaymentMethod("Card", true, { amount }),
    ].flat();
}
/** refund one of a line of the order that is shown */
export function refundLine(name) {
    return inLeftSide([
        {
            content: `choose ${name}`,
            trigger: `.ticket-screen .orderline:has(.product-name:contains("${name}"))`,
            run: "click",
        },
        {
            content: `${name} is chosen`,
            trigger: `.ticket-screen .orderline.selected:has(.product-name:contains("${name}"))`,
        },
        Numpad.click("1"),
        {
            content: `${name} will be refunded`,
            trigger: `.ticket-screen .orderline.selected .to-refund-highlight`,
        },
    ]);
}
