import { registry } from "@web/core/registry";
import * as tourUtils from "@website_sale/js/tours/tour_utils";

const FORM = "form[name='redeem_points']";

function redeem(points) {
    return [
        {
            content: `Redeem ${points} points`,
            trigger: `${FORM} input[name='points']`,
            run: `edit ${points}`,
        },
        {
            trigger: `${FORM} button[type='submit']`,
            run: "click",
            expectUnloadPage: true,
        },
    ];
}

registry.category("web_tour.tours").add("crm_loyalty_website_cart", {
    steps: () => [
        ...tourUtils.addToCart({
            productName: "Points Kettle",
            search: false,
            expectUnloadPage: true,
        }),
        tourUtils.goToCart(),
        {
            content: "What there is, what comes",
            trigger: ".o_loyalty_points [name='free']:contains('500 Points')",
        },
        { trigger: ".o_loyalty_points [name='earned']:contains('100 Points')" },
        ...redeem(100),
        ...tourUtils.assertCartAmounts({ total: "90.00" }),
        ...redeem(40),
        ...tourUtils.assertCartAmounts({ total: "96.00" }),
        {
            content: "The number stays when the cart changes, and the rest of the page follows",
            trigger: ".css_quantity .oi-plus",
            run: "click",
        },
        ...tourUtils.assertCartAmounts({ total: "196.00" }),
        { trigger: ".o_loyalty_points [name='earned']:contains('200 Points')" },
        { trigger: `${FORM} input[name='points']:value(40)` },
    ],
});
