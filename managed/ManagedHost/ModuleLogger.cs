// SPDX-License-Identifier: MIT
// ILogger of a module: a record with its pairs, over the border.
using System;
using System.Collections.Generic;
using System.Globalization;
using System.Threading;
using Microsoft.Extensions.Logging;

namespace UniversalModuleHost.Hosting;

/// <summary>Without a host: made ready and thrown away, see <see cref="Warmup"/>.</summary>
internal sealed class ModuleLogger : ILogger
{
    private const string FormatKey = "{OriginalFormat}";

    private readonly ModuleHost? _host;
    private readonly LogLevel _lowest;
    private readonly string? _category;
    private readonly AsyncLocal<Scope?> _scope;

    public ModuleLogger(ModuleHost? host, LogLevel lowest)
        : this(host, lowest, null, new AsyncLocal<Scope?>())
    {
    }

    private ModuleLogger(
        ModuleHost? host, LogLevel lowest, string? category, AsyncLocal<Scope?> scope)
    {
        _host = host;
        _lowest = lowest;
        _category = category;
        _scope = scope;
    }

    public bool IsEnabled(LogLevel level) => level >= _lowest && level < LogLevel.None;

    /// <summary>
    /// Compiled anew for each kind of state that is a struct: what can be elsewhere is.
    /// </summary>
    public void Log<TState>(
        LogLevel level,
        EventId eventId,
        TState state,
        Exception? exception,
        Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(level))
            return;
        string message;
        try
        {
            message = formatter(state, exception);
        }
        catch (Exception inner)
        {
            message = Explain(inner);
        }
        Write(level, eventId, message, state, exception);
    }

    /// <summary>The same log and the same scopes for a part of the module.</summary>
    public ModuleLogger For(string category) => new(_host, _lowest, category, _scope);

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => new Scope(_scope, state);

    /// <summary>A record of the host about the module, with the exception's stack in it.</summary>
    public void Write(LogLevel level, string message, Exception? exception = null, int failures = 0)
    {
        if (!IsEnabled(level))
            return;
        using LogRecord record = new(message);
        if (failures > 0)
            record.Add("failures", failures.ToString(CultureInfo.InvariantCulture));
        if (exception is not null)
            record.Add("exception", HostLog.TextOf(exception));
        record.Write(_host, level);
    }

    private static string Explain(Exception exception) =>
        $"(the message could not be made: {exception.GetType().Name}: {exception.Message})";

    private void Write(
        LogLevel level, EventId eventId, string message, object? state, Exception? exception)
    {
        using LogRecord record = new(message);
        AddPairs(record, state);
        for (Scope? scope = _scope.Value; scope is not null; scope = scope.Outer)
        {
            if (!AddPairs(record, scope.State))
                record.Add("scope", TextOf(scope.State));
        }
        if (_category is not null)
            record.Add("category", _category);
        if (eventId.Id != 0 || eventId.Name is not null)
            record.Add("event", eventId.Name ?? eventId.Id.ToString(CultureInfo.InvariantCulture));
        if (exception is not null)
            record.Add("exception", HostLog.TextOf(exception));
        record.Write(_host, level);
    }

    private static bool AddPairs(LogRecord record, object? state)
    {
        if (state is not IEnumerable<KeyValuePair<string, object?>> pairs)
            return false;
        foreach ((string key, object? value) in pairs)
        {
            if (key != FormatKey)
                record.Add(key, TextOf(value));
        }
        return true;
    }

    /// <summary>A value's own code may throw; a log record never does.</summary>
    private static string TextOf(object? value)
    {
        try
        {
            return value switch
            {
                null => "(null)",
                string text => text,
                IFormattable some => some.ToString(null, CultureInfo.InvariantCulture),
                _ => value.ToString() ?? string.Empty,
            };
        }
        catch (Exception exception)
        {
            return $"({value!.GetType().Name}.ToString threw {exception.GetType().Name})";
        }
    }

    private sealed class Scope : IDisposable
    {
        private readonly AsyncLocal<Scope?> _current;

        public Scope(AsyncLocal<Scope?> current, object state)
        {
            _current = current;
            State = state;
            Outer = current.Value;
            current.Value = this;
        }

        public object State { get; }

        public Scope? Outer { get; }

        public void Dispose() => _current.Value = Outer;
    }
}
