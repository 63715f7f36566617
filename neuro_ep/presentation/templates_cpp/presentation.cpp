{% extends 'dense_operation.cpp' %}
{% macro _scalar_of(name) %}{{get_array_name(variables[name])}}[0]{% endmacro %}
{% macro _array_of(name) %}{{get_array_name(variables[name])}}{% endmacro %}
{% set _unit = get_array_name(scale) ~ '[0]' if scale is not none else '1' %}
{% block maincode %}
    typedef {{c_data_type(input.dtype)}} real;
    static neuro_ep::Samples _file;
    static neuro_ep::Series<real> _series, _aims;
    {% for array, value in onset %}
    static std::vector<real> _settled_{{loop.index0}}, _before_{{loop.index0}};
    {% endfor %}
    {% for array in marks %}
    static std::vector<real> _mark_{{loop.index0}};
    {% endfor %}
    static neuro_ep::Pace _pace;
    _pace.keep();
    int32_t &_presentation = {{_scalar_of('presentation')}};
    int32_t &_step = {{_scalar_of('step')}};
    int32_t &_phase = {{_scalar_of('phase')}};
    int32_t &_ending = {{_scalar_of('ending')}};
    const int32_t _total = {{_scalar_of('n_presentations')}};
    const int32_t _frames = std::max({{_scalar_of('frames')}}, 1), _target_frames = {{_scalar_of('target_frames')}};
    if (_presentation == 0 && _phase == 0 && _step == 0)
    {
        if (_frames == 1) _file.map(reinterpret_cast<const char*>({{_array_of('samples_file')}}));
        if (_frames > 1) _series.open(reinterpret_cast<const char*>({{_array_of('samples_file')}}), {{replicas}}, _frames, {{n_inputs}});
        if (_target_frames > 0) _aims.open(reinterpret_cast<const char*>({{_array_of('targets_file')}}), {{replicas}}, _target_frames, {{n_read}});
    }
    const real* const _samples = static_cast<const real*>(_file.start);

    if (_presentation < _total && _ending)
    {
        bool _sound = true;
        {% for array in bounded %}
        for (int _k = 0; _k < {{array.size}}; _k++)
            if (!(std::fabs({{get_array_name(array)}}[_k]) < {{runaway}} * {{_unit}})) _sound = false;
        {% endfor %}
        {% for array in gathered %}
        for (int _k = 0; _k < {{array.size}}; _k++)
            if (!std::isfinite({{get_array_name(array)}}[_k])) _sound = false;
        {% endfor %}
        if (_phase == 0)
        {
            // the first phase has settled: read the prediction and its cost
            double _cost = 0;
            double* const _costs_of_samples = {{_array_of('sample_cost')}} + (size_t) _presentation * {{replicas}};
            for (int _replica = 0; _replica < {{replicas}}; _replica++)
            {
                const real* _read = {{get_array_name(read_out)}} + _replica * {{n_outputs}} + {{n_outputs - n_read}};
                {% if cost_sum is none %}
                const real* _aim = {{get_array_name(target)}} + _replica * {{n_outputs}} + {{n_outputs - n_read}};
                {% endif %}
                {% if cost_sum is not none %}
                const real* _costs = {{get_array_name(cost_sum)}} + _replica * {{n_outputs}};
                const double _own = std::accumulate(_costs, _costs + {{n_outputs}}, 0.0);
                _cost += _own;
                {% elif cost_name == 'cross-entropy' %}
                // -log softmax of the class, with the largest exponent taken out
                const double _top = *std::max_element(_read, _read + {{n_read}}) / {{_unit}};
                double _sum = 0, _own = 0;
                for (int _k = 0; _k < {{n_read}}; _k++)
                    _sum += std::exp(_read[_k] / {{_unit}} - _top);
                for (int _k = 0; _k < {{n_read}}; _k++)
                {
                    const double _part = _aim[_k] * (_top + std::log(_sum) - _read[_k] / {{_unit}});
                    _cost += _part;
                    _own += _part;
                }
                {% else %}
                double _own = 0;
                for (int _k = 0; _k < {{n_read}}; _k++)
                {
                    const double _error = _read[_k] / {{_unit}} - _aim[_k];
                    _cost += 0.5 * _error * _error;
                    _own += 0.5 * _error * _error;
                }
                {% endif %}
                _costs_of_samples[_replica] = _own;
                const size_t _slot = (size_t) _presentation * {{replicas}} + _replica;
                for (int _k = 0; _k < {{n_read}}; _k++)
                    {{_array_of('answer')}}[_slot * {{n_read}} + _k] = _read[_k] / {{_unit}};
                {{_array_of('predicted')}}[_slot] = std::max_element(_read, _read + {{n_read}}) - _read;
            }
            {{_array_of('cost')}}[_presentation] = _cost / {{replicas}};
            {{_array_of('taken')}}[_presentation] = _step;
            if (std::any_of({{_array_of('phase_restore')}}, {{_array_of('phase_restore')}} + {{phases}}, [](int32_t _restore) { return _restore != 0; }))
            {
                {% for array in marks %}
                _mark_{{loop.index0}}.assign({{get_array_name(array)}}, {{get_array_name(array)}} + {{array.size}});
                {% endfor %}
                {% for array, value in onset %}
                _settled_{{loop.index0}}.assign({{get_array_name(array)}}, {{get_array_name(array)}} + {{array.size}});
                {% endfor %}
            }
        }
        _step = 0;
        _ending = 0;
        _phase += 1;
        if (_phase == {{phases}} || !{{_array_of('learn')}}[_presentation])
        {
            _phase = 0;
            _presentation += 1;
            neuro_ep::report_progress(_presentation, _total);
        }
        if (!_sound)
        {
            {{_scalar_of('diverged')}} = 1;
            _presentation = _total;
        }
    }
    if (_presentation >= _total)
    {
        {% for array in protocol.plastic + protocol.marking + protocol.echo + protocol.mirror + protocol.judged + protocol.final + protocol.learns %}
        {{get_array_name(array)}}[0] = 0;
        {% endfor %}
{% include 'stop.cpp' %}
    }
    else
    {
        if (_step == 0 && _phase == 0)
        {
            // onset: set the targets, reset the neurons
            {% for array, value in onset %}
            {% if value is number %}
            std::fill({{get_array_name(array)}}, {{get_array_name(array)}} + {{array.size}}, (real) {{value}});
            {% else %}
            std::copy({{get_array_name(value)}}, {{get_array_name(value)}} + {{array.size}}, {{get_array_name(array)}});
            {% endif %}
            {% endfor %}
            std::fill({{get_array_name(target)}}, {{get_array_name(target)}} + {{target.size}}, (real) 0);
            for (int _replica = 0; _replica < {{replicas}} && _target_frames == 0; _replica++)
                {{get_array_name(target)}}[_replica * {{n_outputs}} + {{n_outputs - n_read}} + {{_array_of('label')}}[_presentation * {{replicas}} + _replica]] = 1;
        }
        // which step of the run is shown: an echo shows them from last to first
        const int64_t _length = {{_array_of('phase_steps')}}[_phase];
        const bool _echo = {{_array_of('phase_echo')}}[_phase];
        const int64_t _now = _echo ? _length - 1 - _step : _step, _last = _echo ? _now + 1 : _now - 1;
        const bool _begins = _step == 0;
        const int64_t _frame = _now * _frames / _length, _aim = _now * _target_frames / _length;
        const bool _anew = _begins ? _phase == 0 || _frames > 1 : _frame != _last * _frames / _length;
        if (_anew)
        {
            neuro_ep::about_to_change({{get_array_name(input)}});
            for (int _replica = 0; _replica < {{replicas}}; _replica++)
            {
                const size_t _row = {{_array_of('sample')}}[(size_t) _presentation * {{replicas}} + _replica];
                const real* _from = _frames > 1 ? _series.at(_replica, _row, _frame) : _samples + _row * {{n_inputs}};
                std::copy(_from, _from + {{n_inputs}}, {{get_array_name(input)}} + _replica * {{n_inputs}});
            }
        }
        if (_target_frames > 0 && (_begins || _aim != _last * _target_frames / _length))
            for (int _replica = 0; _replica < {{replicas}}; _replica++)
            {
                const size_t _row = {{_array_of('sample')}}[(size_t) _presentation * {{replicas}} + _replica];
                const real* _from = _aims.at(_replica, _row, _aim);
                std::copy(_from, _from + {{n_read}}, {{get_array_name(target)}} + _replica * {{n_outputs}} + {{n_outputs - n_read}});
            }
        {% for array in protocol.mirror %}
        {{get_array_name(array)}}[0] = _echo && _step == 0;
        {% endfor %}
        {% for array in protocol.echo %}
        {{get_array_name(array)}}[0] = _echo;
        {% endfor %}
        {% for array in protocol.judged %}
        {{get_array_name(array)}}[0] = {{_scalar_of('judged_steps')}} < 0 || _now >= _length - {{_scalar_of('judged_steps')}};
        {% endfor %}
        {% for array in protocol.final %}
        {{get_array_name(array)}}[0] = {{_scalar_of('judged_steps')}} == 0 && _echo && _step == 0;
        {% endfor %}
        {% for array in protocol.learns %}
        {{get_array_name(array)}}[0] = {{_array_of('learn')}}[_presentation] != 0;
        {% endfor %}
        if (_step == 0)
        {
            if ({{_array_of('phase_restore')}}[_phase])
            {
                {% for array, value in onset %}
                std::copy(_settled_{{loop.index0}}.begin(), _settled_{{loop.index0}}.end(), {{get_array_name(array)}});
                {% endfor %}
                {% for array in marks %}
                if (!{{_array_of('phase_from_before')}}[_phase])
                    std::copy(_mark_{{loop.index0}}.begin(), _mark_{{loop.index0}}.end(), {{get_array_name(array)}});
                {% endfor %}
            }
            // what is only tested is never nudged, and learns nothing
            const int32_t _nudge = {{_array_of('learn')}}[_presentation] ? {{_array_of('phase_nudge')}}[_phase] : 0;
            const real _beta = (_nudge == 0 ? 1 : _nudge) * {{_array_of('sign')}}[_presentation] * {{_scalar_of('strength')}};
            {% for array in protocol.nudged %}
            {{get_array_name(array)}}[0] = _nudge != 0;
            {% endfor %}
            {% for array in protocol.beta %}
            {{get_array_name(array)}}[0] = _beta;
            {% endfor %}
        }
        // the last step of a phase: its length is over, or nothing moves any more
        _ending = _step + 1 >= {{_array_of('phase_steps')}}[_phase];
        if ({{_scalar_of('tolerance')}} > 0)
        {
            real _moved = 0;
            {% for array, value in onset %}
            for (int _k = 0; _step > 0 && _k < {{array.size}}; _k++)
                _moved = std::max(_moved, (real) std::fabs({{get_array_name(array)}}[_k] - _before_{{loop.index0}}[_k]));
            _before_{{loop.index0}}.assign({{get_array_name(array)}}, {{get_array_name(array)}} + {{array.size}});
            {% endfor %}
            if (_step > 0 && _moved < {{_scalar_of('tolerance')}}) _ending = 1;
        }
        const int32_t _every = {{_array_of('phase_every')}}[_phase];
        const bool _open = _ending || (_every > 0 && (_step + 1) % _every == 0);
        {% for array in protocol.plastic %}
        {{get_array_name(array)}}[0] = _open && {{_array_of('learn')}}[_presentation] ? {{_array_of('phase_plastic')}}[_phase] : 0;
        {% endfor %}
        {% for array in protocol.marking %}
        {{get_array_name(array)}}[0] = !{{_array_of('phase_from_before')}}[_phase] && (_ending || (_open && {{_array_of('phase_plastic')}}[_phase] > 0));
        {% endfor %}
        _step += 1;
    }
{% endblock %}
