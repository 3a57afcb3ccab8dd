import * as Chrome from "@point_of_sale/../tests/pos/tours/utils/chrome_util";
import * as Dialog from "@point_of_sale/../tests/generic_helpers/dialog_util";
import * as PartnerList from "@point_of_sale/../tests/pos/tours/utils/partner_list_util";
import * as PaymentScreen from "@point_of_sale/../tests/pos/tours/utils/payment_screen_util";
import * as PosLoyalty from "@pos_loyalty/../tests/tours/utils/pos_loyalty_util";
import * as ProductScreen from "@point_of_sale/../tests/pos/tours/utils/product_screen_util";
import * as ReceiptScreen from "@point_of_sale/../tests/pos/tours/utils/receipt_screen_util";
import * as TicketScreen from "@point_of_sale/../tests/pos/tours/utils/ticket_screen_util";
import * as Till from "@crm_loyalty_pos/../tests/tours/utils/till_util";
import { setOfflineMode, setOnlineMode } from "@point_of_sale/../tests/generic_helpers/offline_util";
import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("crm_loyalty_pos_choose", {
    steps: Till.play(
        Chrome.startPoS(),
        ProductScreen.clickPartnerButton(),
        PartnerList.searchCustomerValue(Till.MEMBER, true),
        Till.freePointsAre("1,700.00"),
        PartnerList.clickPartner(Till.MEMBER),
        ProductScreen.addOrderline("Kettle", "2"),
        // a code gives points and redeems none by itself
        PosLoyalty.enterCode("kettle-day"),
        PosLoyalty.pointsAwardedAre("250"),
        Till.hasNoReward(),

        // a quarter of the order at most, in steps of 10 points
        ProductScreen.clickControlButton("Reward"),
        Till.chosenPointsAre("500"),
        Till.cannotChoose("510"),
        Till.cannotChoose("305"),
        Till.choosePoints("500"),
        PosLoyalty.orderTotalIs("150.00"),
        // fewer instead
        ProductScreen.clickControlButton("Reward"),
        Till.chosenPointsAre("500"),
        Till.choosePoints("250"),
        PosLoyalty.orderTotalIs("175.00"),
        // it stays what was chosen while the order grows
        ProductScreen.clickDisplayedProduct("Kettle"),
        PosLoyalty.orderTotalIs("275.00"),

        // another number instead
        ProductScreen.clickControlButton("Reward"),
        Till.chosenPointsAre("250"),
        Till.choosePoints("300"),
        PosLoyalty.orderTotalIs("270.00"),
        // less where the order became too small for it, and the number again
        ProductScreen.clickNumpad("1"),
        PosLoyalty.orderTotalIs("75.00"),
        ProductScreen.clickDisplayedProduct("Kettle"),
        PosLoyalty.orderTotalIs("170.00"),

        Till.pay(),
        Till.validate(),
        Till.receiptSays(["Points Won", "500"], ["Points Spent", "300"]),
        Till.receiptSays(["Balance Points", "1900"]),
        Chrome.endTour(),
    ),
});

registry.category("web_tour.tours").add("crm_loyalty_pos_left_open", {
    steps: Till.play(
        Till.start(),
        ProductScreen.addOrderline("Kettle", "2"),
        ProductScreen.clickControlButton("Reward"),
        Till.choosePoints("50"),
        PosLoyalty.orderTotalIs("195.00"),
        Till.save(),
        Chrome.endTour(),
    ),
});

registry.category("web_tour.tours").add("crm_loyalty_pos_gone_on_with", {
    steps: Till.play(
        Chrome.startPoS(),
        PosLoyalty.orderTotalIs("195.00"),
        ProductScreen.clickDisplayedProduct("Kettle"),
        PosLoyalty.orderTotalIs("295.00"),
        Till.pay(),
        Till.validate(),
        Till.receiptSays(["Points Spent", "50"]),
        Chrome.endTour(),
    ),
});

registry.category("web_tour.tours").add("crm_loyalty_pos_minimum", {
    steps: Till.play(
        Till.start(),
        ProductScreen.clickDisplayedProduct("Kettle"),
        PosLoyalty.isRewardButtonHighlighted(false),
        ProductScreen.clickDisplayedProduct("Kettle"),
        PosLoyalty.isRewardButtonHighlighted(true),
        PosLoyalty.claimReward("Club"),
        PosLoyalty.orderTotalIs("190.00"),
        ProductScreen.clickNumpad("1"),
        Till.hasNoReward(),
        PosLoyalty.orderTotalIs("100.00"),
        Chrome.endTour(),
    ),
});

registry.category("web_tour.tours").add("crm_loyalty_pos_discount", {
    steps: Till.play(
        Till.start(),
        ProductScreen.addOrderline("Kettle", "2"),
        ProductScreen.clickControlButton("Reward"),
        Till.choosePoints("500"),
        PosLoyalty.orderTotalIs("150.00"),
        // the discount is taken off before the share is: 200 - 60 - 35
        PosLoyalty.enterCode("summer-sale"),
        Till.hasReward("-60.00"),
        Till.hasReward("-35.00"),
        // too small for points with the discount
        ProductScreen.clickDisplayedProduct("Kettle"),
        ProductScreen.clickNumpad("1"),
        Till.hasReward("-30.00"),
        PosLoyalty.orderTotalIs("70.00"),
        ProductScreen.clickDisplayedProduct("Kettle"),
        ProductScreen.clickControlButton("Reward"),
        Till.choosePoints("350"),
        PosLoyalty.orderTotalIs("105.00"),
        Till.pay(),
        Till.validate(),
        Chrome.endTour(),
    ),
});

registry.category("web_tour.tours").add("crm_loyalty_pos_meanwhile", {
    steps: Till.play(
        Till.start(),
        ProductScreen.clickDisplayedProduct("Kettle"),
        PosLoyalty.claimReward("Club"),
        PosLoyalty.orderTotalIs("90.00"),
        Till.holdElsewhere(100),
        ProductScreen.clickPayButton(false),
        Dialog.bodyIs("50 Points"),
        Dialog.confirm(),
        Till.hasNoReward(),
        PosLoyalty.orderTotalIs("100.00"),

        // they are free again, which the till sees when the member is chosen again
        Till.holdElsewhere(0),
        Till.unpickMember(),
        ProductScreen.clickPartnerButton(),
        Till.pickMember(),
        PosLoyalty.claimReward("Club"),
        PosLoyalty.orderTotalIs("90.00"),
        Till.pay(),
        Till.holdElsewhere(100, false),
        // who only looks at the list keeps what is held
        PaymentScreen.clickBackToProductScreen(),
        ProductScreen.clickPartnerButton(),
        Dialog.discard(),
        Till.holdElsewhere(100, false),
        Till.pay(),
        // what is held for a member is free when it is somebody else who pays
        PaymentScreen.clickBackToProductScreen(),
        Till.unpickMember(),
        Till.holdElsewhere(150),
        Till.holdElsewhere(0),
        ProductScreen.clickPartnerButton(),
        Till.pickMember(),
        PosLoyalty.claimReward("Club"),
        PosLoyalty.orderTotalIs("90.00"),
        ProductScreen.clickPayButton(),
        Till.payExactly("90.00"),

        // the customer looks for his card for too long
        Till.letHoldExpire(),
        Till.holdElsewhere(100),
        PaymentScreen.clickValidate(),
        Dialog.bodyIs("50 Points"),
        Dialog.confirm(),
        PaymentScreen.clickBackToProductScreen(),
        Till.hasNoReward(),
        PosLoyalty.orderTotalIs("100.00"),

        Till.holdElsewhere(0),
        Till.unpickMember(),
        ProductScreen.clickPartnerButton(),
        Till.pickMember(),
        PosLoyalty.claimReward("Club"),
        PosLoyalty.orderTotalIs("90.00"),
        ProductScreen.clickPayButton(),
        Till.payExactly("90.00"),
        Till.validate(),
        Till.receiptSays(["Points Won", "100"], ["Points Spent", "100"]),

        // who leaves without having paid has his points
        ReceiptScreen.clickNextOrder(),
        ProductScreen.clickPartnerButton(),
        Till.pickMember(),
        ProductScreen.clickDisplayedProduct("Kettle"),
        PosLoyalty.claimReward("Club"),
        ProductScreen.clickPayButton(),
        Till.holdElsewhere(150, false),
        PaymentScreen.clickBackToProductScreen(),
        ProductScreen.clickControlButton("Cancel Order"),
        Dialog.confirm(),
        ProductScreen.orderIsEmpty(),
        Till.holdElsewhere(150),
        Chrome.endTour(),
    ),
});

registry.category("web_tour.tours").add("crm_loyalty_pos_refused", {
    steps: Till.play(
        Till.start(),
        ProductScreen.clickDisplayedProduct("Kettle"),
        PosLoyalty.claimReward("Club"),
        PosLoyalty.orderTotalIs("90.00"),
        ProductScreen.clickPayButton(false),
        Dialog.bodyIs("Out of order"),
        Dialog.confirm(),
        // without connection nothing is held, and nothing refused
        setOfflineMode(),
        Till.pay(),
        Till.validate(),
        setOnlineMode(),
        Till.save(),
        Chrome.endTour(),
    ),
});

registry.category("web_tour.tours").add("crm_loyalty_pos_refund", {
    steps: Till.play(
        Chrome.startPoS(),
        ProductScreen.clickRefund(),
        TicketScreen.selectOrderByPrice("90.00"),
        Till.refundLine("Kettle"),
        Till.refundLine("10"),
        TicketScreen.confirmRefund(),
        Till.validate(),
        Till.receiptSays(["Points Taken Back", "100"], ["Points Given Back", "100"]),
        Till.receiptSays(["Balance Points", "100"]),
        Chrome.endTour(),
    ),
});

registry.category("web_tour.tours").add("crm_loyalty_pos_code", {
    steps: Till.play(
        Chrome.startPoS(),
        ProductScreen.clickDisplayedProduct("Kettle"),
        // the code of a card, whose points are asked for each time
        PosLoyalty.enterCode("tilda-card"),
        ProductScreen.customerIsSelected(Till.MEMBER),
        PosLoyalty.pointsAwardedAre("100"),
        Till.balanceIs("100"),
        Till.holdElsewhere(60),
        Till.unpickMember(),
        PosLoyalty.enterCode("tilda-card"),
        Till.balanceIs("40"),
        Till.holdElsewhere(0),
        Till.unpickMember(),
        PosLoyalty.enterCode("tilda-card"),
        Till.balanceIs("100"),

        PosLoyalty.enterCode("kettle-day"),
        PosLoyalty.pointsAwardedAre("150"),
        Till.hasNoReward(),
        // one of several rewards
        PosLoyalty.claimReward("per point"),
        Till.choosePoints("100"),
        PosLoyalty.orderTotalIs("90.00"),
        // all there is: only the number can be changed
        ProductScreen.clickControlButton("Reward"),
        Till.chosenPointsAre("100"),
        Till.choosePoints("50"),
        PosLoyalty.orderTotalIs("95.00"),
        Till.pay(),
        Till.validate(),
        Till.receiptSays(["Points Won", "150"], ["Points Spent", "50"]),
        Till.receiptSays(["Balance Points", "200"]),
        Chrome.endTour(),
    ),
});

registry.category("web_tour.tours").add("crm_loyalty_pos_code_off", {
    steps: Till.play(
        Till.start(),
        ProductScreen.clickDisplayedProduct("Kettle"),
        PosLoyalty.enterCode("kettle-day"),
        PosLoyalty.pointsAwardedAre("150"),
        Till.save(),
        ProductScreen.clickControlButton("Reset Programs"),
        PosLoyalty.pointsAwardedAre("100"),
        Till.pay(),
        Till.validate(),
        Till.receiptSays(["Points Won", "100"]),
        Chrome.endTour(),
    ),
});
