import {
    Component,
    onMounted,
    onWillStart,
    onWillUpdateProps,
    useRef,
    useState,
} from "@odoo/owl";

import { Dropdown } from "@web/core/dropdown/dropdown";
import { DropdownItem } from "@web/core/dropdown/dropdown_item";
import { deserializeDate, deserializeDateTime, today } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { download } from "@web/core/network/download";
import { registry } from "@web/core/registry";
import { user } from "@web/core/user";
import { KeepLast } from "@web/core/utils/concurrency";
import { useBus, useService } from "@web/core/utils/hooks";
import { useDebounced } from "@web/core/utils/timing";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

import { NOTES_CHANGED } from "../customer_notes/customer_notes";

const { DateTime } = luxon;

const PAGE_SIZE = 40;
const SEARCH_DELAY = 300;
const DATE_LENGTH = 10;

/**
 * What happened with a customer, newest first, from all sources the user may read.
 * Sources are added in Python: see `_get_customer_timeline_sources` of `res.partner`.
 */
export class CustomerTimeline extends Component {
    static template = "crm_customer.CustomerTimeline";
    static components = { Dropdown, DropdownItem };
    static props = { ...standardWidgetProps, partnerField: { type: String, optional: true } };

    setup() {
        this.action = useService("action");
        this.orm = useService("orm");
        this.keepLast = new KeepLast();
        this.listRef = useRef("list");
        this.state = useState({
            status: "loading", // loading, more, ready, error
            entries: [],
            next: null,
            sources: [],
            chosen: [],
            search: "",
            dateFrom: "",
            dateTo: "",
            showFilters: false, // on a phone they are folded away
            canExport: false,
        });
        this.searchLater = useDebounced(() => this.reload(), SEARCH_DELAY);
        onWillStart(async () => {
            this.state.canExport = await user.hasGroup("base.group_allow_export");
        });
        useBus(this.env.bus, NOTES_CHANGED, () => this.reload());
        // after the form is on the screen: the time line must not hold it up
        onMounted(() => this.reload());
        onWillUpdateProps((nextProps) => {
            const partnerId = this.getPartnerId(nextProps);
            if (partnerId !== this.getPartnerId()) {
                // at once: nothing of one customer stands under the name of another
                Object.assign(this.state, { entries: [], next: null });
                this.reload(partnerId);
            }
        });
    }

    // ------------------------------------------------------------
    // Getters
    // ------------------------------------------------------------

    /** Entries grouped by month, as `[{ key, label, entries }]`. */
    get months() {
        const months = [];
        for (const entry of this.state.entries) {
            const moment = this.getMoment(entry);
            const key = moment.toFormat("yyyy-MM");
            if (months.at(-1)?.key !== key) {
                const label = moment.toLocaleString({ month: "long", year: "numeric" });
                months.push({ key, label, entries: [] });
            }
            months.at(-1).entries.push(entry);
        }
        return months;
    }

    get isFiltered() {
        return Boolean(this.filterCount || this.state.search.trim());
    }

    /** Number of filters behind the button of phones. */
    get filterCount() {
        const { chosen, dateFrom, dateTo } = this.state;
        return chosen.length + Boolean(dateFrom) + Boolean(dateTo);
    }

    /** What is asked of the server besides the page. */
    get criteria() {
        const { chosen, search, dateFrom, dateTo } = this.state;
        return {
            sources: chosen.length ? chosen : null,
            search: search.trim() || null,
            date_from: dateFrom || null,
            date_to: dateTo || null,
        };
    }

    get statusText() {
        if (this.state.status === "loading") {
            return _t("Loading…");
        }
        return _t("%s events shown", this.state.entries.length);
    }

    /** The customer: whose form is open, or who is named by a field of another form. */
    getPartnerId({ partnerField, record } = this.props) {
        return partnerField ? record.data[partnerField]?.id : record.resId;
    }

    /** The record whose form is open needs no link to itself. */
    canOpen(entry) {
        const { resModel, resId } = this.props.record;
        return entry.res_model !== resModel || entry.res_id !== resId;
    }

    hasTime(entry) {
        return entry.date.length > DATE_LENGTH;
    }

    getMoment(entry) {
        return this.hasTime(entry) ? deserializeDateTime(entry.date) : deserializeDate(entry.date);
    }

    formatTime(entry) {
        return this.getMoment(entry).toLocaleString(DateTime.TIME_SIMPLE);
    }

    formatDay(entry) {
        const moment = this.getMoment(entry);
        const days = Math.round(today().diff(moment.startOf("day"), "days").days);
        if (days === 0) {
            return _t("Today");
        }
        if (days === 1) {
            return _t("Yesterday");
        }
        return moment.toLocaleString({ month: "short", day: "numeric", weekday: "short" });
    }

    getSourceLabel(entry) {
        return this.state.sources.find((source) => source.key === entry.source)?.label || "";
    }

    isChosen(source) {
        return this.state.chosen.includes(source.key);
    }

    // ------------------------------------------------------------
    // Loading
    // ------------------------------------------------------------

    async reload(resId = this.getPartnerId()) {
        this.state.status = "loading";
        await this.load(resId, null);
    }

    async loadMore() {
        this.state.status = "more";
        const first = this.state.entries.length;
        await this.load(this.getPartnerId(), this.state.next);
        // the keyboard goes on at the first new event, the button may be gone
        this.listRef.el?.querySelectorAll(".o_crm_timeline_entry")[first]?.focus();
    }

    async load(resId, before) {
        if (!resId) {
            return;
        }
        try {
            const page = await this.keepLast.add(this.fetchPage(resId, before));
            Object.assign(this.state, {
                status: "ready",
                entries: before ? [...this.state.entries, ...page.entries] : page.entries,
                next: page.next,
                sources: page.sources,
            });
        } catch {
            this.state.status = "error";
        }
    }

    fetchPage(resId, before) {
        return this.orm.call("res.partner", "get_customer_timeline", [resId], {
            limit: PAGE_SIZE,
            before,
            ...this.criteria,
        });
    }

    // ------------------------------------------------------------
    // Handlers
    // ------------------------------------------------------------

    onSearchInput(ev) {
        this.state.search = ev.target.value;
        this.searchLater();
    }

    /** Enter searches; it must not save or leave the form. */
    onSearchKeydown(ev) {
        if (ev.key === "Enter") {
            ev.preventDefault();
            ev.stopPropagation();
            this.searchLater.cancel();
            this.reload();
        }
    }

    toggleSource(source) {
        this.state.chosen = this.isChosen(source)
            ? this.state.chosen.filter((key) => key !== source.key)
            : [...this.state.chosen, source.key];
        this.reload();
    }

    /** A day that is being typed is no day yet, and empty. */
    onDateChange(name, ev) {
        this.state[name] = ev.target.value;
        this.reload();
    }

    toggleFilters() {
        this.state.showFilters = !this.state.showFilters;
    }

    clearFilters() {
        Object.assign(this.state, { chosen: [], search: "", dateFrom: "", dateTo: "" });
        this.reload();
    }

    /** Everything that matches the filters, not only what is loaded. */
    async export(extension) {
        const given = Object.entries(this.criteria).filter(([, value]) => value);
        await download({
            url: `/crm_customer/timeline/${this.getPartnerId()}/${extension}`,
            data: Object.fromEntries(given.map(([name, value]) => [name, String(value)])),
        });
    }

    open(entry) {
        this.action.doAction({
            type: "ir.actions.act_window",
            res_model: entry.res_model,
            res_id: entry.res_id,
            views: [[false, "form"]],
        });
    }
}

export const customerTimeline = {
    component: CustomerTimeline,
    extractProps: ({ options }) => ({ partnerField: options.partner_field }),
};

registry.category("view_widgets").add("crm_customer_timeline", customerTimeline);
