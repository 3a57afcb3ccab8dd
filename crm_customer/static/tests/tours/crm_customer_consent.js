import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("crm_customer_consent", {
    steps: () => [
        {
            content: "Open what the customer agreed to",
            trigger: ".o_notebook .nav-link[name=customer_consent]",
            run: "click",
        },
        {
            content: "The customer calls: no more hints by SMS",
            trigger: ".o_crm_consent_cell[data-cell='care.sms']:contains(Not refused)",
            run: "click",
        },
        {
            content: "The dialog knows what it is about",
            trigger: ".modal .o_field_widget[name=evidence] textarea",
            run: "edit Call of 5 May",
        },
        {
            content: "How he said it is never filled in beforehand",
            trigger: ".modal .o_field_widget[name=told_by]:not(:has(:checked)) input[data-value=phone]",
            run: "click",
        },
        {
            content: "Save",
            trigger: ".modal button[name=action_save]",
            run: "click",
        },
        {
            content: "It is shown at once",
            trigger: "body:not(:has(.modal)) .o_crm_consent_cell[data-cell='care.sms']:contains(Refused)",
        },
        {
            content: "And stands in the history",
            trigger: ".o_crm_consent_history",
            run: "click",
        },
        {
            content: "With its evidence",
            trigger: ".o_list_view td[name=evidence]:contains(Call of 5 May)",
        },
    ],
});
