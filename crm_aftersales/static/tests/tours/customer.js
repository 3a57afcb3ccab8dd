import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("crm_aftersales_customer", {
    steps: () => [
        {
            content: "Open my products",
            trigger: ".o_portal_index_card a[href='/my/equipment']",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "Ask for service for the first one",
            trigger: ".o_aftersales_unit_card a[href*='/my/requests/new?unit_id=']",
            run: "click",
            expectUnloadPage: true,
        },
        {
            trigger: "#aftersales_type",
            run: "selectByIndex 1",
        },
        {
            trigger: "#aftersales_name",
            run: "edit Tour: from the portal",
        },
        {
            trigger: "#aftersales_description",
            run: "edit The cellar is under water",
        },
        {
            trigger: ".o_aftersales_request_form button[type='submit'].btn-primary",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "The page of the request opens; add something",
            trigger: "h1:contains('Tour: from the portal')",
        },
        {
            trigger: "#chatterRoot:shadow .o-mail-Composer-input",
            run: "edit Please hurry",
        },
        {
            trigger: "#chatterRoot:shadow .o-mail-Composer-send:enabled",
            run: "click",
        },
        {
            trigger: "#chatterRoot:shadow .o-mail-Message:contains('Please hurry')",
        },
        {
            content: "It is dry again: nobody needs to come",
            trigger: ".o_aftersales_cancel summary",
            run: "click",
        },
        {
            trigger: "#aftersales_cancel_reason",
            run: "edit The water is gone",
        },
        {
            trigger: ".o_aftersales_cancel button[type='submit']",
            run: "click",
            expectUnloadPage: true,
        },
        {
            trigger: ".o_aftersales_steps li[aria-current='step']:contains('Cancelled')",
        },
        {
            content: "The water comes back",
            trigger: ".o_aftersales_reopen summary",
            run: "click",
        },
        {
            trigger: "#aftersales_reopen_reason",
            run: "edit Wet again",
        },
        {
            trigger: ".o_aftersales_reopen button[type='submit']",
            run: "click",
            expectUnloadPage: true,
        },
        {
            trigger: ".o_aftersales_steps li[aria-current='step']:contains('In Progress')",
        },
    ],
});
