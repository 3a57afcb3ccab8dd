import { registry } from "@web/core/registry";
import { stepUtils } from "@web_tour/tour_utils";

registry.category("web_tour.tours").add("crm_aftersales_service_desk", {
    steps: () => [
        {
            content: "A customer calls: new request",
            trigger: ".o_list_button_add",
            run: "click",
        },
        {
            trigger: ".o_field_widget[name='name'] textarea",
            run: "edit Tour: pump is dry",
        },
        {
            trigger: ".o_field_widget[name='partner_id'] input",
            run: "edit Wang Fang",
        },
        {
            trigger: ".o-autocomplete--dropdown-item:contains('Wang Fang')",
            run: "click",
        },
        ...stepUtils.saveForm(),
        {
            content: "I take it",
            trigger: "button[name='action_take']",
            run: "click",
        },
        {
            content: "Answer the customer",
            trigger: "button[name='action_resolve']",
        },
        {
            trigger: ".o-mail-Chatter-sendMessage",
            run: "click",
        },
        {
            trigger: ".o-mail-Composer-input",
            run: "edit We are on our way",
        },
        {
            trigger: ".o-mail-Composer-send:enabled",
            run: "click",
        },
        {
            trigger: ".o-mail-Message:contains('We are on our way')",
        },
        {
            trigger: "button[name='action_resolve']",
            run: "click",
        },
        {
            trigger: "button[name='action_close']:visible",
            run: "click",
        },
        {
            content: "Closed requests can be reopened",
            trigger: "button[name='action_reopen']:visible",
        },
    ],
});
