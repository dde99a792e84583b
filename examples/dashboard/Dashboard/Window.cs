// SPDX-License-Identifier: MIT
// The window: a row for each measure, and a button that resets the peaks. Main thread.
using System;
using static Gtk.Native;

internal sealed class Window
{
    private const int Margin = 24;

    private readonly nint _grid = gtk_grid_new();
    private readonly nint _status = Gtk.Label("Waiting for readings", "status", align: 0);
    private readonly Row _processor;
    private readonly Row _memory;

    public Window(string title, Action onReset)
    {
        nint window = gtk_window_new(0);
        nint header = gtk_header_bar_new();
        nint button = gtk_button_new_with_label("Reset peaks");

        gtk_header_bar_set_title(header, title);
        gtk_header_bar_set_show_close_button(header, true);
        gtk_header_bar_pack_start(header, button);
        gtk_window_set_titlebar(window, header);
        gtk_window_set_title(window, title);
        gtk_window_set_default_size(window, 560, -1);

        gtk_container_set_border_width(_grid, Margin);
        gtk_grid_set_row_spacing(_grid, Margin / 2);
        gtk_grid_set_column_spacing(_grid, Margin);
        _processor = new Row(_grid, 0, "Processor");
        _memory = new Row(_grid, 1, "Memory");
        gtk_grid_attach(_grid, _status, 0, 2, 4, 1);
        gtk_container_add(window, _grid);

        Gtk.On(button, "clicked", onReset);
        Gtk.On(window, "destroy", Gtk.Quit);
        Gtk.Style(
            """
            .value { font-size: 150%; font-weight: bold; }
            .peak, .status { opacity: 0.6; }
            levelbar trough { border-radius: 9px; }
            levelbar block { min-height: 14px; border-radius: 7px; }
            """);
        gtk_widget_show_all(window);
    }

    public void Show(Reading reading)
    {
        _processor.Show(reading.Processor, reading.ProcessorPeak);
        _memory.Show(reading.Memory, reading.MemoryPeak);
        gtk_label_set_text(
            _status, $"{reading.Count} reading{(reading.Count == 1 ? "" : "s")} since the last reset");
    }

    /// <summary>Name, bar, value and peak.</summary>
    private sealed class Row
    {
        private readonly nint _bar = gtk_level_bar_new_for_interval(0, 100);
        private readonly nint _value = Gtk.Label("–", "value", align: 1);
        private readonly nint _peak = Gtk.Label("", "peak", align: 1);

        public Row(nint grid, int at, string name)
        {
            gtk_widget_set_hexpand(_bar, true);
            gtk_widget_set_valign(_bar, Gtk.Center);
            gtk_label_set_width_chars(_value, 6);
            gtk_label_set_width_chars(_peak, 12);
            gtk_grid_attach(grid, Gtk.Label(name, "name", align: 0), 0, at, 1, 1);
            gtk_grid_attach(grid, _bar, 1, at, 1, 1);
            gtk_grid_attach(grid, _value, 2, at, 1, 1);
            gtk_grid_attach(grid, _peak, 3, at, 1, 1);
        }

        public void Show(double percent, double peak)
        {
            gtk_level_bar_set_value(_bar, percent);
            gtk_label_set_text(_value, $"{percent:0.0} %");
            gtk_label_set_text(_peak, $"peak {peak:0.0} %");
        }
    }
}
