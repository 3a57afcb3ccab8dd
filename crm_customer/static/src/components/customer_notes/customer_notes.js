import {
    Component,
    onMounted,
    onWillUnmount,
    onWillUpdateProps,
    useEffect,
    useRef,
    useState,
} from "@odoo/owl";

import { deserializeDate } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { KeepLast } from "@web/core/utils/concurrency";
import { useService } from "@web/core/utils/hooks";
import { useSetupAction } from "@web/search/action_hook";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

const { DateTime } = luxon;

const MODEL = "crm.customer.note";
const FIELDS = ["text", "category_id", "visibility", "author_id", "department", "date", "partner_id"];
const SHOWN = 10;

/** Said on the bus when a note was written, changed or deleted. */
export const NOTES_CHANGED = "CRM_CUSTOMER:NOTES_CHANGED";

/**
 * Notes on a customer, and a way to add one with two touches and a sentence.
 *
 * A widget and not a field: the contact has no field that leads to its notes, so that nothing
 * which works on contacts (segments, exports, templates) can reach them.
 */
export class CustomerNotes extends Component {
    static template = "crm_customer.CustomerNotes";
    static props = { ...standardWidgetProps };

    setup() {
        this.action = useService("action");
        this.orm = useService("orm");
        this.keepLast = new KeepLast();
        this.textRef = useRef("text");
        this.state = useState({
            status: "loading", // loading, ready, saving, error
            notes: [],
            count: 0,
            categories: [],
            visibilities: [],
            draft: null,
        });
        // after the form is on the screen: notes must not hold it up
        onMounted(() => this.load());
        onWillUpdateProps((nextProps) => {
            if (nextProps.record.resId !== this.props.record.resId) {
                this.save();
                // at once: what is known of one customer never stands under the name of another
                Object.assign(this.state, { status: "loading", notes: [], count: 0, draft: null });
                this.load(nextProps.record.resId);
            }
        });
        // as with the rest of the form: what was typed is kept when one leaves
        useSetupAction({ beforeLeave: () => this.save() });
        onWillUnmount(() => this.save());
        useEffect(
            (composing) => {
                if (composing) {
                    this.textRef.el?.focus();
                }
            },
            () => [Boolean(this.state.draft)]
        );
    }

    // ------------------------------------------------------------
    // Getters
    // ------------------------------------------------------------

    get showsNotes() {
        return ["ready", "saving"].includes(this.state.status);
    }

    get canSave() {
        return this.state.status === "ready" && Boolean(this.state.draft?.text.trim());
    }

    getVisibilityLabel(note) {
        return this.state.visibilities.find(([value]) => value === note.visibility)?.[1] || "";
    }

    formatDate(note) {
        return deserializeDate(note.date).toLocaleString(DateTime.DATE_MED);
    }

    /** Who took the note; on whom only where it is not the customer whose file is open. */
    getByline(note) {
        const parts = [note.author_id[1], note.department, this.formatDate(note)];
        if (note.partner_id[0] !== this.props.record.resId) {
            parts.unshift(note.partner_id[1]);
        }
        return parts.filter(Boolean).join(" · ");
    }

    // ------------------------------------------------------------
    // Loading and saving
    // ------------------------------------------------------------

    async load(resId = this.props.record.resId) {
        if (!resId) {
            return;
        }
        try {
            const domain = [["partner_id", "child_of", resId]];
            const [notes, count] = await this.keepLast.add(
                Promise.all([
                    this.orm.searchRead(MODEL, domain, FIELDS, { limit: SHOWN }),
                    this.orm.searchCount(MODEL, domain),
                    this.loadChoices(),
                ])
            );
            Object.assign(this.state, { status: "ready", notes, count });
        } catch {
            this.state.status = "error";
        }
    }

    async loadChoices() {
        if (this.state.visibilities.length) {
            return;
        }
        const [categories, fields] = await Promise.all([
            this.orm.searchRead("crm.note.category", [], ["name", "visibility"]),
            this.orm.call(MODEL, "fields_get", [["visibility"], ["selection"]]),
        ]);
        this.state.categories = categories;
        this.state.visibilities = fields.visibility.selection;
    }

    async save() {
        if (!this.canSave) {
            return;
        }
        const { resId } = this.props.record;
        this.state.status = "saving";
        try {
            await this.orm.create(MODEL, [
                {
                    partner_id: resId,
                    text: this.state.draft.text.trim(),
                    category_id: this.state.draft.categoryId,
                    visibility: this.state.draft.visibility,
                },
            ]);
            if (resId === this.props.record.resId) {
                this.state.draft = null;
            }
        } finally {
            // what was written stays on the screen when it could not be saved
            if (resId === this.props.record.resId) {
                this.state.status = "ready";
            }
        }
        await this.refresh();
    }

    /** Notes stand in the time line as well. */
    async refresh() {
        this.env.bus.trigger(NOTES_CHANGED);
        await this.load();
    }

    // ------------------------------------------------------------
    // Handlers
    // ------------------------------------------------------------

    compose() {
        this.state.draft = { text: "", categoryId: false, visibility: "all" };
    }

    cancel() {
        this.state.draft = null;
    }

    /** A category proposes who may read the note; the author may choose otherwise. */
    chooseCategory(category) {
        const { draft } = this.state;
        const chosen = draft.categoryId !== category.id;
        draft.categoryId = chosen && category.id;
        draft.visibility = chosen ? category.visibility : "all";
    }

    onKeydown(ev) {
        if (ev.key === "Enter" && (ev.ctrlKey || ev.metaKey)) {
            ev.preventDefault();
            this.save();
        } else if (ev.key === "Escape" && !this.state.draft.text.trim()) {
            ev.stopPropagation();
            this.cancel();
        }
    }

    open(note) {
        this.action.doAction(
            {
                type: "ir.actions.act_window",
                name: _t("Customer Note"),
                res_model: MODEL,
                res_id: note.id,
                views: [[false, "form"]],
                target: "new",
            },
            { onClose: () => this.refresh() }
        );
    }

    async openAll() {
        const action = await this.orm.call("res.partner", "action_open_customer_notes", [
            this.props.record.resId,
        ]);
        this.action.doAction(action);
    }
}

export const customerNotes = {
    component: CustomerNotes,
};

registry.category("view_widgets").add("crm_customer_notes", customerNotes);
