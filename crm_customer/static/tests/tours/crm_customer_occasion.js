import { registry } from "@web/core/registry";

const CARD = ".o_kanban_record:contains('Tour Guest')";

/** On a phone the card is read and its button pressed with a thumb. */
function pressWithThumb(content, trigger) {
    return {
        content,
        trigger,
        run: async ({ anchor, click }) => {
            const { width, height } = anchor.getBoundingClientRect();
            if (width < 44 || height < 44) {
                throw new Error(`${trigger} is ${width} x ${height} pixels, too small for a thumb`);
            }
            await click();
        },
    };
}

registry.category("web_tour.tours").add("crm_customer_hotel_arrival", {
    steps: () => [
        {
            content: "The guest of today with his wishes and his birthday",
            trigger: `${CARD}:contains('1611'):contains('Buckwheat pillow'):contains('Birthday')`,
        },
        {
            content: "What he comes for",
            trigger: `${CARD} .o_crm_occasion_note:contains('Comes for a wedding')`,
        },
        {
            content: "A touch beside the button, as the second of two, opens nothing",
            trigger: `${CARD} footer`,
            run: ({ anchor }) => anchor.click(),
        },
        pressWithThumb(
            "He is here",
            `${CARD} button[name=action_arrive]:contains('Has Arrived')`
        ),
        {
            content: "His birthday is announced",
            trigger: ".o_notification:contains('Birthday during the stay'):contains('Tour Guest')",
        },
        {
            content: "He is shown as here",
            trigger: `${CARD}:contains('Here') button[name=action_leave]`,
        },
        {
            content: "Open the card: the banner stands above the form",
            trigger: `${CARD} .fs-4`,
            run: "click",
        },
        {
            trigger: ".o_form_view div[name=birthday_banner]:visible, .o_form_view .alert-success:visible",
        },
    ],
});

registry.category("web_tour.tours").add("crm_customer_department_tasks", {
    steps: () => [
        {
            content: "A member of a department without another role has a menu",
            trigger: ".o_main_navbar .o_navbar_apps_menu button, .o_main_navbar .o_menu_toggle",
            run: "click",
        },
        {
            content: "All applications",
            trigger: ".o_app_menu_sidebar .o_sidebar_topbar a",
            run: "click",
        },
        {
            content: "His tasks",
            trigger: ".o_app_menu_sidebar [data-menu-xmlid='crm_customer.crm_department_root_menu']",
            run: "click",
        },
        {
            content: "The manager's task after the arrival",
            trigger: ".o_kanban_record:contains('Flowers for Tour Guest')",
        },
        pressWithThumb(
            "Done",
            ".o_kanban_record:contains('Flowers for Tour Guest') button[name=action_done]"
        ),
        {
            content: "It leaves the list",
            trigger: ".o_kanban_view:not(:has(.o_kanban_record:contains('Flowers for Tour Guest')))",
        },
    ],
});

registry.category("web_tour.tours").add("crm_customer_till", {
    steps: () => [
        {
            content: "Open the search",
            trigger: ".o_control_panel button:has(.fa-search, .oi-search)",
            run: "click",
        },
        {
            content: "Type the phone number as the customer says it",
            trigger: ".o_searchview_input",
            run: "edit 138 0013 8777",
        },
        {
            content: "The first thing offered searches names and numbers",
            trigger: ".o_searchview_autocomplete .o-dropdown-item:first:contains('138 0013 8777')",
            run: "click",
        },
        {
            content: "One search finds the file",
            trigger: ".o_kanban_view:not(:has(.o_kanban_record:contains('Tour Other'))) .o_kanban_record:contains('Tour Guest')",
            run: "click",
        },
        {
            content: "Open the customer file",
            trigger: ".o_notebook .nav-link[name=customer_file]",
            run: "click",
        },
        {
            content: "The notes are there",
            trigger: ".o_notebook:contains('Low-salt soy sauce')",
        },
        pressWithThumb(
            "Note the visit",
            "div[name=customer_file_buttons] button[name=action_note_visit]"
        ),
        {
            content: "The visit is open",
            trigger: ".o_form_view:contains('Tour Guest') button[name=action_leave]",
        },
    ],
});
